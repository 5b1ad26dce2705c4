from __future__ import annotations

import json
from pathlib import Path

import pytest
from labelwright.core.bundle import digest_files
from labelwright.core.errors import CorruptArtifact
from labelwright.service.target import Aliases, VersionTarget
from labelwright.service.versions.bundle_store import BundleStore
from labelwright.v1 import registry_service_pb2 as pb


def download(content: bytes) -> tuple[pb.DownloadBundleResponse, str]:
    file = pb.BundleFile(path="task.toml", content=content)
    return pb.DownloadBundleResponse(bundle=pb.Bundle(files=[file])), digest_files({"task.toml": content})


def test_a_bundle_comes_back_as_it_went_in(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    message, digest = download(b"content")
    assert store.read(digest) is None
    store.write(message, digest)
    assert BundleStore(tmp_path).read(digest) == message


@pytest.mark.parametrize(
    "damage", [lambda old: old[:-1], lambda old: old.replace(b"content", b"c0ntent"), lambda _: b""]
)
def test_a_damaged_bundle_is_refused_and_removed(damage: object, tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    message, digest = download(b"content")
    store.write(message, digest)
    (path,) = (tmp_path / "bundles").iterdir()
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(CorruptArtifact):
        store.read(digest)
    assert store.read(digest) is None


@pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "sha256:", "", "x" * 71])
def test_what_is_no_digest_is_refused(digest: str, tmp_path: Path) -> None:
    with pytest.raises(CorruptArtifact):
        BundleStore(tmp_path).read(digest)


def test_aliases_come_back_and_nonsense_counts_as_none(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    assert store.read_aliases() is None
    table = {"spam": {"production": VersionTarget("spam", 3, "sha256:" + "0" * 64)}}
    aliases = Aliases(7, table, "registry", "incarnation")
    store.write_aliases(aliases)
    assert BundleStore(tmp_path).read_aliases() == aliases
    of_an_earlier_release = {"revision": 7, "aliases": [["spam", "production", 3, "sha256:" + "0" * 64]]}
    (tmp_path / "aliases.json").write_text(json.dumps(of_an_earlier_release))
    assert store.read_aliases() == Aliases(7, table)
    for nonsense in ("", "[]", '{"revision": 1}', '{"revision": 1, "aliases": [[1]]}', "\x00"):
        (tmp_path / "aliases.json").write_text(nonsense)
        assert store.read_aliases() is None


def test_bundles_that_nothing_names_are_bounded(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    digests = []
    for number in range(40):
        message, digest = download(str(number).encode())
        store.write(message, digest)
        store.write_number(VersionTarget("spam", number, digest))
        digests.append(digest)
    store.prune(digests[:3])
    left = [store.read(digest) is not None for digest in digests]
    assert left[:3] == [True] * 3
    assert sum(left) == 3 + 32
    assert [store.find("spam", number) is not None for number in range(40)] == left


def test_a_number_names_what_it_was_kept_for_and_nonsense_counts_as_none(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    target = VersionTarget("spam", 3, "sha256:" + "0" * 64)
    store.write_number(target)
    assert BundleStore(tmp_path).find("spam", 3) == target
    assert store.find("spam", 4) is store.find("ham", 3) is None
    for nonsense in (b"", b"sha256:../x", b"\xff"):
        (tmp_path / "numbers" / "spam@3").write_bytes(nonsense)
        assert store.find("spam", 3) is None
    store.prune([])
    assert not list((tmp_path / "numbers").iterdir())
