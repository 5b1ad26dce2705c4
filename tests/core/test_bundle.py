from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core import bundle as bundle_module
from labelwright.core.bundle import Bundle, Program, digest_files, leavings, open_bundle, read_folder, write_folder
from labelwright.core.errors import InvalidBundle
from labelwright.core.finding import Severity

TASK = b"""[task]
name = "t"
instructions = "Tell a from b."
[labels]
a = ""
b = ""
[fields]
text = "text"
"""
PROGRAM = b"def label(text):\n    return 'a'\n"
FILES = {"task.toml": TASK, "programs/one.py": PROGRAM}


def opened(files: dict[str, bytes]) -> Bundle:
    bundle, findings = open_bundle(files.items())
    assert bundle is not None, findings
    return bundle


def codes(files: dict[str, bytes]) -> list[tuple[str, int, str]]:
    bundle, findings = open_bundle(files.items())
    assert bundle is None
    return [(item.file, item.line, item.code) for item in findings]


def test_opens_a_bundle_with_programs_in_the_order_of_their_names() -> None:
    bundle = opened({"programs/zwei.py": PROGRAM, **FILES, "programs/drei.py": PROGRAM})
    assert bundle.program_names == ("drei", "one", "zwei")
    assert bundle.programs[0].path == "programs/drei.py"
    assert bundle.digest.startswith("sha256:")


def test_reads_gold_sample_and_label_model() -> None:
    bundle = opened(
        {
            **FILES,
            "gold.jsonl": b'{"text": "x", "label": "b"}\n',
            "sample.jsonl": b'{"text": "x"}\n{"text": "y"}\n',
            "label_model.json": b'{"kind": "majority"}',
            "provenance.json": b"{}",
        }
    )
    assert [row.label for row in bundle.gold] == [1]
    assert len(bundle.sample) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content.replace(b"\n", b"\r"),
        lambda content: content.replace(b"\n", b"\r\n", 1),
    ],
    ids=["byte order mark", "CRLF", "CR", "mixed line ends"],
)
def test_a_checkout_on_another_system_has_the_same_digest(change) -> None:
    changed = opened({path: change(content) for path, content in FILES.items()})
    assert changed.digest == opened(FILES).digest
    assert changed.files == opened(FILES).files


def test_says_that_it_changed_the_line_ends_of_a_program() -> None:
    _, findings = open_bundle({**FILES, "programs/one.py": PROGRAM.replace(b"\n", b"\r\n")}.items())
    assert [(item.code, item.severity) for item in findings] == [("LW130", Severity.WARNING)]


@given(order=st.permutations(list(FILES)), extra=st.binary(max_size=20))
def test_the_digest_covers_paths_and_bytes_and_not_their_order(order: list[str], extra: bytes) -> None:
    reference = digest_files(FILES)
    assert digest_files({path: FILES[path] for path in order}) == reference
    assert (digest_files({**FILES, "task.toml": TASK + extra}) == reference) == (extra == b"")
    assert digest_files({**FILES, "programs/other.py": b""}) != reference


def test_bytes_moved_from_one_file_to_the_next_change_the_digest() -> None:
    assert digest_files({"a": b"bc", "d": b""}) != digest_files({"a": b"b", "d": b"c"})
    assert digest_files({"a": b"b"}) != digest_files({"ab": b""})


def test_an_empty_bundle_lacks_a_task_and_programs() -> None:
    assert codes({}) == [("task.toml", 0, "LW100"), ("programs", 0, "LW110")]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../x.py", "LW103"),
        ("programs/../../x.py", "LW103"),
        ("/etc/passwd", "LW103"),
        ("programs\\x.py", "LW103"),
        ("programs//x.py", "LW103"),
        ("./task.toml", "LW103"),
        ("programs/x.py\0", "LW103"),
        ("programs/X.py", "LW108"),
        ("programs/deep/x.py", "LW108"),
        ("programs/x.txt", "LW108"),
        ("programs/ünder.py", "LW108"),
        ("programs/x.py\n", "LW108"),
        ("notes.md", "LW108"),
        ("", "LW103"),
    ],
)
def test_refuses_files_that_have_no_place(path: str, code: str) -> None:
    assert code in [found[2] for found in codes({**FILES, path: b"x"})]


def test_refuses_a_path_that_stands_twice() -> None:
    bundle, findings = open_bundle([*FILES.items(), ("programs/one.py", b"other")])
    assert bundle is None
    assert [item.code for item in findings] == ["LW107"]


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"a = 1\n\xff = 2\n", 2), (b"a = 1\nb = 2\n'\0'\n", 3), (b"\xed\xa0\x80", 1)],
    ids=["not UTF-8", "NUL", "surrogate"],
)
def test_places_what_is_no_text(content: bytes, line: int) -> None:
    assert codes({**FILES, "programs/two.py": content}) == [("programs/two.py", line, "LW109")]


def test_refuses_ten_thousand_programs_without_reading_on() -> None:
    files = {**FILES, **{f"programs/p{number}.py": PROGRAM for number in range(10_000)}}
    assert codes(files) == [("programs", 0, "LW105")]


def test_refuses_what_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ("programs/one.py", 0, "LW106") in codes({**FILES, "programs/one.py": b"#" * (256 << 10) + b"\n"})
    monkeypatch.setattr(bundle_module, "MAX_BUNDLE_BYTES", 1000)
    assert ("programs/two.py", 0, "LW106") in codes({**FILES, "programs/two.py": b"#" * 1000})


@pytest.mark.parametrize(
    ("path", "content", "line", "code"),
    [
        ("gold.jsonl", b'{"text": "x", "label": "a"}\n{"text": "x"}\n', 2, "LW121"),
        ("sample.jsonl", b"{}\n", 1, "LW121"),
        ("label_model.json", b'{"kind":\n}', 2, "LW111"),
        ("provenance.json", b"[]", 0, "LW112"),
        ("provenance.json", b"[" * 100_000, 0, "LW112"),
    ],
)
def test_places_what_is_wrong_in_the_files_beside(path: str, content: bytes, line: int, code: str) -> None:
    assert codes({**FILES, path: content}) == [(path, line, code)]


def test_says_everything_at_once() -> None:
    found = codes({**FILES, "gold.jsonl": b"{}\n", "label_model.json": b"1", "provenance.json": b"1"})
    assert [place[0] for place in found] == ["label_model.json", "gold.jsonl", "provenance.json"]


def test_a_folder_gives_the_bundle_that_was_written_to_it(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path / "bundle")
    (tmp_path / "bundle/.git").mkdir()
    (tmp_path / "bundle/.git/config").write_text("hidden")
    (tmp_path / "bundle/programs/__pycache__").mkdir()
    (tmp_path / "bundle/programs/__pycache__/one.pyc").write_bytes(b"\0")
    bundle, findings = read_folder(tmp_path / "bundle")
    assert findings == []
    assert bundle is not None
    assert bundle.digest == opened(FILES).digest


LEAVINGS = [
    "Thumbs.db", "desktop.ini", "programs/#one.py#", "programs/__init__.py", "programs/one.py.bak",
    "programs/one.py.orig", "programs/one.py~", "programs/one.pyc", "task.toml~",
]  # fmt: skip
HIDDEN = ["programs/.one.py.swp", "programs/._one.py", ".DS_Store", ".git/x", "programs/.ipynb_checkpoints/one.py"]


def test_what_editors_leave_behind_is_no_part_of_a_bundle(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path / "bundle")
    for name in (*LEAVINGS, *HIDDEN, "__MACOSX/one.py"):
        (tmp_path / "bundle" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "bundle" / name).write_bytes(b"\n" if name.endswith("__init__.py") else b"\0 left")
    bundle, findings = read_folder(tmp_path / "bundle")
    assert findings == []
    assert bundle is not None
    assert bundle.digest == opened(FILES).digest
    assert leavings(tmp_path / "bundle") == sorted(LEAVINGS)


def test_an_init_file_that_says_something_is_named(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path / "bundle")
    (tmp_path / "bundle/programs/__init__.py").write_text("import one\n")
    bundle, findings = read_folder(tmp_path / "bundle")
    assert bundle is None
    assert [finding.code for finding in findings] == ["LW108"]


def test_does_not_write_into_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(InvalidBundle, match="is not empty"):
        write_folder(FILES, tmp_path)


@pytest.mark.parametrize("target", ["secret.py", "folder"])
def test_refuses_links(tmp_path: Path, target: str) -> None:
    write_folder(FILES, tmp_path / "bundle")
    (tmp_path / "secret.py").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "bundle/programs/two.py").symlink_to(tmp_path / target)
    bundle, findings = read_folder(tmp_path / "bundle")
    assert bundle is None
    assert [(item.file, item.code) for item in findings] == [("programs/two.py", "LW104")]


def test_refuses_a_pipe_instead_of_waiting_for_it(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path / "bundle")
    os.mkfifo(tmp_path / "bundle/programs/two.py")
    bundle, findings = read_folder(tmp_path / "bundle")
    assert bundle is None
    assert [item.code for item in findings] == ["LW104"]


def test_says_which_folder_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundle, match="nowhere is not a folder"):
        read_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ('"""Of the file."""\n\n\ndef label(text):\n    """Of the function."""\n    return "a"\n', "Of the function."),
        ('"""Of the file."""\n\n\ndef label(text):\n    return None\n', "Of the file."),
        ('"""Of the file."""\n\n\ndef helper():\n    """Of another."""\n', "Of the file."),
        (PROGRAM.decode(), ""),
        ("def label(text:\n", ""),
        ("x = " + "(" * 5000, ""),
    ],
)
def test_a_program_is_described_by_its_docstring(source: str, wanted: str) -> None:
    assert Program("p", source).description == wanted
