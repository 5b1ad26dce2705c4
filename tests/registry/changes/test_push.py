from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from labelwright.core.bundle import digest_files
from labelwright.v1 import registry_service_pb2 as pb

from tests.parts.registry import Registry, push
from tests.registry.bundles import PRIZE, SHORT, files, new_name, variant


def codes(answer: pb.PushVersionResponse) -> set[str]:
    return {finding.code for finding in answer.report.findings}


def test_a_push_makes_version_one_with_a_report(registry: Registry) -> None:
    name = new_name()
    answer = push(registry.stub(), files(name), author="ada", message="first\nof many")
    assert answer.created
    assert (answer.version.task, answer.version.number, answer.version.author) == (name, 1, "ada")
    assert answer.version.message == "first\nof many"
    assert answer.version.digest == digest_files(files(name))
    assert list(answer.version.programs) == ["prize", "short"]
    assert list(answer.version.labels) == ["ham", "spam"]
    assert answer.version.created_at.seconds > 0
    gold = answer.report.gold
    assert (gold.rows, gold.accuracy, gold.coverage, gold.covered_accuracy) == (5, 0.6, 0.6, 1.0)
    assert gold.majority_accuracy == 0.6
    assert [program.description for program in gold.programs] == [
        "Spam that promises a prize.",
        "Short messages are ham.",
    ]


def test_the_same_content_is_the_same_version(registry: Registry) -> None:
    name, stub = new_name(), registry.stub()
    first = push(stub, files(name), author="ada")
    crlf = {path: content.replace(b"\n", b"\r\n") for path, content in reversed(files(name).items())}
    again = push(stub, crlf, author="bob", message="again")
    assert not again.created
    assert again.version == first.version
    assert again.report.gold == first.report.gold


def test_new_content_gets_the_next_number(registry: Registry) -> None:
    name, stub = new_name(), registry.stub()
    assert [push(stub, variant(name, number)).version.number for number in (1, 2, 1, 3)] == [1, 2, 1, 3]


def test_validate_only_keeps_nothing(registry: Registry) -> None:
    name, stub = new_name(), registry.stub()
    answer = push(stub, files(name), validate_only=True)
    assert answer.report.gold.rows == 5
    assert not answer.HasField("version")
    assert push(stub, files(name)).created


def test_a_refused_push_names_file_and_line_and_keeps_nothing(registry: Registry) -> None:
    name, stub = new_name(), registry.stub()
    answer = push(stub, files(name, good=SHORT, broken="def label(text):\n    return ham\n  x = 1\n"))
    assert not answer.HasField("version")
    assert not answer.created
    assert ("programs/broken.py", 3) in {(finding.file, finding.line) for finding in answer.report.findings}
    assert push(stub, files(name)).version.number == 1


def test_everything_wrong_is_said_at_once_and_in_order(registry: Registry) -> None:
    answer = push(
        registry.stub(),
        files(
            new_name(),
            broken="def label(text:\n",
            raises="X = 1 / 0\n\n\ndef label(text):\n    return None\n",
            socket="import socket\n\n\ndef label(text):\n    return None\n",
            twin_a=PRIZE,
            twin_b=PRIZE,
        ),
    )
    found = [(finding.file, finding.line) for finding in answer.report.findings]
    assert found == sorted(found)
    assert {file for file, _ in found} >= {
        "programs/broken.py",
        "programs/raises.py",
        "programs/socket.py",
        "programs/twin_b.py",
    }


def test_a_duplicate_program_is_a_warning(registry: Registry) -> None:
    answer = push(registry.stub(), files(new_name(), a=PRIZE, b=PRIZE))
    assert answer.created
    assert "LW401" in codes(answer)


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        (
            "state.py",
            "SEEN = []\n\n\ndef label(text):\n    SEEN.append(1)\n    return 'ham' if len(SEEN) % 2 else None\n",
            "LW",
        ),
        ("other.py", "def label(text):\n    return 'nonsense'\n", "LW"),
        ("nolabel.py", "def other(text):\n    return None\n", "LW"),
    ],
)
def test_programs_at_fault_are_named(registry: Registry, name: str, content: str, wanted: str) -> None:
    programs: dict[str, Any] = {name.removesuffix(".py"): content, "short": SHORT}
    answer = push(registry.stub(), files(new_name(), **programs))
    about = [finding for finding in answer.report.findings if finding.file == f"programs/{name}"]
    assert about
    assert all(finding.code.startswith(wanted) and finding.message for finding in about)


def test_a_faulty_gold_file_does_not_hide_what_is_wrong_with_programs(registry: Registry) -> None:
    name, stub = new_name(), registry.stub()
    broken = files(name, gold=b"not json\n", good=SHORT, broken="def label(text:\n")
    places = {finding.file for finding in push(stub, broken).report.findings}
    assert places == {"gold.jsonl", "programs/broken.py"}


def test_a_push_above_the_operators_caps_is_refused(tmp_path: Path) -> None:
    capped = Registry(tmp_path / "data", max_version_time_ms=150).start()
    try:
        name, stub = new_name(), capped.stub()
        answer = push(stub, files(name))
        assert not answer.HasField("version")
        (finding,) = answer.report.findings
        assert (finding.file, finding.code) == ("task.toml", "LW113")
        assert "LABELWRIGHT_REGISTRY_MAX_VERSION_TIME_MS" in finding.message
        assert push(stub, files(name, prize=PRIZE)).version.number == 1
    finally:
        capped.stop()
