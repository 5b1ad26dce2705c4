from __future__ import annotations

import time

import grpc
import pytest
from labelwright.core.bundle import read_folder
from labelwright.core.errors import InvalidRequest
from labelwright.core.wire.status import from_rpc_error
from labelwright.v1 import registry_service_pb2 as pb

from tests.parts.registry import Registry, push
from tests.registry.bundles import GOLD, PRIZE, SHORT, files, new_name

GOOD = files("any-task")


def places(answer: pb.PushVersionResponse) -> set[tuple[str, str, int]]:
    return {(finding.code, finding.file, finding.line) for finding in answer.report.findings}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param({"task.toml": None}, ("LW100", "task.toml", 0), id="no task"),
        pytest.param(
            {"task.toml": b'[task]\nname = "x"\ninstructions = not quoted\n'}, ("LW101", "task.toml", 3), id="bad TOML"
        ),
        pytest.param({"../outside.py": b"x"}, ("LW103", "../outside.py", 0), id="path upwards"),
        pytest.param({"/etc/passwd": b"x"}, ("LW103", "/etc/passwd", 0), id="absolute path"),
        pytest.param({"programs/../task.toml": b"x"}, ("LW103", "programs/../task.toml", 0), id="path to and fro"),
        pytest.param({"programs\\x.py": b"x"}, ("LW103", "programs\\\\x.py", 0), id="backslash"),
        pytest.param({"programs/x.sh": b"x"}, ("LW108", "programs/x.sh", 0), id="no place for it"),
        pytest.param({"programs/x.py": b"a\n\xff"}, ("LW109", "programs/x.py", 2), id="not UTF-8"),
        pytest.param({"programs/x.py": b"a\nb\n\0"}, ("LW109", "programs/x.py", 3), id="NUL"),
        pytest.param({"programs/x.py": b"\xed\xa0\x80"}, ("LW109", "programs/x.py", 1), id="lone surrogate"),
        pytest.param(
            {"gold.jsonl": GOLD + b'{"text": "x", "label": "eggs"}\n'}, ("LW121", "gold.jsonl", 6), id="unknown label"
        ),
        pytest.param({"gold.jsonl": b'{"text": "\\ud800", "label": "ham"}\n'}, ("LW121", "gold.jsonl", 1), id="half"),
        pytest.param({"label_model.json": b"{}"}, ("LW111", "label_model.json", 0), id="label model"),
        pytest.param({"provenance.json": b"[1]"}, ("LW112", "provenance.json", 0), id="provenance"),
    ],
)
def test_a_malformed_bundle_is_refused_in_place(
    registry: Registry, change: dict[str, bytes | None], place: tuple[str, str, int]
) -> None:
    changed = {path: content for path, content in {**GOOD, **change}.items() if content is not None}
    answer = push(registry.stub(), changed)
    assert place in places(answer)
    assert not answer.HasField("version")


def test_an_empty_bundle_lacks_task_and_programs(registry: Registry) -> None:
    assert {code for code, _, _ in places(push(registry.stub(), {}))} == {"LW100", "LW110"}


def test_a_path_that_stands_twice(registry: Registry) -> None:
    message = pb.Bundle(files=[pb.BundleFile(path=path, content=content) for path, content in GOOD.items()])
    message.files.add(path="programs/prize.py", content=b"x")
    answer = registry.stub().PushVersion(pb.PushVersionRequest(bundle=message))
    assert ("LW107", "programs/prize.py", 0) in places(answer)


def test_ten_thousand_programs_are_refused_at_once(registry: Registry) -> None:
    many = {f"programs/p{number}.py": SHORT.encode() for number in range(10_000)}
    started = time.monotonic()
    answer = push(registry.stub(), GOOD | many)
    assert "LW105" in {code for code, _, _ in places(answer)}
    assert time.monotonic() - started < 30


def test_findings_of_hostile_text_come_back_as_valid_text(registry: Registry) -> None:
    """A message that quotes a lone surrogate could not be sent, and the answer would be lost."""
    source = "def label(text):\n    raise ValueError('\\ud800\\0')\n"
    name = new_name()
    answer = push(registry.stub(), files(name, angry=source, short=SHORT))
    assert "LW402" in {finding.code for finding in answer.report.findings if finding.file == "programs/angry.py"}
    assert answer.created
    again = registry.stub().GetVersion(pb.GetVersionRequest(task=name, version=1))
    assert again.report == answer.report


def test_crlf_and_byte_order_mark_are_taken_off(registry: Registry) -> None:
    name = new_name()
    windows = {path: b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n") for path, content in files(name).items()}
    stub = registry.stub()
    answer = push(stub, windows)
    assert {code for code, _, _ in places(answer)} == {"LW130"}
    assert not push(stub, files(name)).created


def test_a_bundle_over_the_cap_is_refused(registry: Registry) -> None:
    answer = push(registry.stub(), GOOD | {"sample.jsonl": b" " * (17 << 20)})
    assert "LW106" in {code for code, _, _ in places(answer)}


def test_a_message_over_the_cap_is_refused_by_the_transport(registry: Registry) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        push(registry.stub(), GOOD | {"sample.jsonl": b" " * (33 << 20)})
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    "fields",
    [
        {"author": "a" * 201},
        {"author": "two\nlines"},
        {"author": "bell\a"},
        {"message": "m" * 4001},
        {"message": "\x1b[31mred"},
        {"message": "nul\0"},
    ],
)
def test_author_and_message_are_short_and_plain(registry: Registry, fields: dict[str, str]) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        push(registry.stub(), files(new_name()), **fields)
    error = from_rpc_error(caught.value)
    assert isinstance(error, InvalidRequest)
    assert error.metadata["field"] in fields


def test_links_in_a_folder_are_refused(tmp_path) -> None:
    for path, content in GOOD.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    (tmp_path / "programs/link.py").symlink_to("/etc/hostname")
    bundle, findings = read_folder(tmp_path)
    assert bundle is None
    assert [(finding.code, finding.file) for finding in findings] == [("LW104", "programs/link.py")]


def test_log_lines_never_hold_content(registry: Registry) -> None:
    name = new_name()
    secret = "def label(text):\n    return 'sesame-4711'\n"
    push(registry.stub(), files(name, secret=secret, prize=PRIZE))
    push(registry.stub(), files(name, gold=b'{"text": "sesame-4711", "label": "ham"}\n'))
    assert any(event.get("task") == name for event in registry.events("push accepted"))
    assert "sesame-4711" not in registry.log.read_text()
