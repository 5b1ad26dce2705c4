from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from labelwright.core.bundle import open_bundle
from labelwright.core.caps import Cap
from labelwright.core.errors import DeadlineExceeded, InvalidBundle
from labelwright.core.finding import Severity
from labelwright.core.report import Report
from labelwright.registry.acceptance.acceptance import MAX_FINDINGS, accept, accept_files, accept_folder
from labelwright.registry.acceptance.evaluation import Incomparable, accuracy_on_gold_of
from labelwright.registry.settings import RegistrySettings
from labelwright.sandbox import Sandbox

from tests.registry.bundles import PRIZE, SHORT, files


def judged(sandbox: Sandbox, **options: object) -> Report:
    _, report = accept_files(sandbox, list(files("spam", **options).items()))  # type: ignore[arg-type]
    return report


def test_a_folder_is_judged_as_at_push(sandbox: Sandbox, tmp_path: Path) -> None:
    for path, content in files("spam").items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    bundle, report = accept_folder(sandbox, tmp_path)
    assert bundle is not None
    assert report == judged(sandbox)
    (tmp_path / "programs/link.py").symlink_to(tmp_path / "task.toml")
    bundle, report = accept_folder(sandbox, tmp_path)
    assert bundle is None
    assert [finding.code for finding in report.findings] == ["LW104"]
    with pytest.raises(InvalidBundle):
        accept_folder(sandbox, tmp_path / "no-such")


def test_without_rows_there_are_no_figures(sandbox: Sandbox) -> None:
    report = judged(sandbox, gold=None)
    assert (report.gold, report.reference, report.gates, report.refused) == (None, None, (), False)


def test_the_sample_is_the_reference_where_there_is_one(sandbox: Sandbox) -> None:
    bundle = files("spam") | {"sample.jsonl": b'{"text": "a prize, and more text than forty letters hold"}\n' * 3}
    _, report = accept_files(sandbox, list(bundle.items()))
    assert report.reference is not None
    assert report.reference.rows == 3
    assert report.reference.label_shares == {"ham": 0.0, "spam": 1.0}
    assert report.gold is not None
    assert report.gold.rows == 5


def test_the_label_model_decides_the_figures(sandbox: Sandbox) -> None:
    """With weights that trust the prize, the tie of the first row goes to spam."""
    likelihood = {"spam": {"ham": 0.01, "spam": 0.9}, "ham": {"ham": 0.5, "spam": 0.4}}
    weights = {"ham": {"ham": 0.6, "spam": 0.4}, "spam": {"ham": 0.4, "spam": 0.6}}
    model = {
        "kind": "weighted",
        "prior": {"ham": 0.5, "spam": 0.5},
        "likelihood": {"prize": likelihood, "short": weights},
    }
    _, report = accept_files(sandbox, [*files("spam").items(), ("label_model.json", json.dumps(model).encode())])
    assert report.gold is not None
    assert report.gold.accuracy == 0.8


def test_programs_that_keep_state_are_refused(sandbox: Sandbox) -> None:
    """Hidden from the static checks as well as it can be: the votes give it away."""
    source = (
        "class Memory:\n    pass\n\n\nmemory = Memory()\nmemory.seen = 0\n\n\ndef label(text):\n"
        '    memory.seen += 1\n    return "ham" if memory.seen > 2 else "spam"\n'
    )
    report = judged(sandbox, counting=source, prize=PRIZE)
    assert report.refused
    assert {finding.file for finding in report.findings} == {"programs/counting.py"}


def test_state_is_found_where_there_are_no_rows(sandbox: Sandbox) -> None:
    counting = 'N = [0]\n\n\ndef label(text):\n    N[0] += 1\n    return "ham" if N[0] % 2 else "spam"\n'
    hidden = counting.replace("N[0]", "kept()[0]").replace("\n\ndef", "\n\ndef kept():\n    return N\n\n\ndef", 1)
    report = judged(sandbox, gold=None, counting=counting, hidden=hidden, prize=PRIZE)
    found = {(finding.file, finding.code) for finding in report.findings if finding.severity is Severity.ERROR}
    assert found == {("programs/counting.py", "LW310"), ("programs/hidden.py", "LW310")}


def test_a_program_that_never_votes_is_a_warning(sandbox: Sandbox) -> None:
    report = judged(sandbox, never='def label(text):\n    return "ham" if "xyzzy" in text else None\n', short=SHORT)
    assert ("LW403", Severity.WARNING) in {(finding.code, finding.severity) for finding in report.findings}
    assert not report.refused


def test_labels_without_gold_rows_are_named(sandbox: Sandbox) -> None:
    report = judged(sandbox, gold=b'{"text": "a prize", "label": "spam"}\n' * 3)
    found = [finding for finding in report.findings if finding.code == "LW405"]
    assert [(finding.file, finding.severity) for finding in found] == [("gold.jsonl", Severity.WARNING)]
    assert "ham" in found[0].message
    assert "spam" not in found[0].message
    assert not report.refused
    for gold in ({}, {"gold": None}):
        assert "LW405" not in {finding.code for finding in judged(sandbox, **gold).findings}


def test_a_flood_of_findings_is_cut_with_the_errors_kept(sandbox: Sandbox) -> None:
    report = judged(sandbox, gold=b"not json\n" * (MAX_FINDINGS + 500))
    assert len(report.findings) == MAX_FINDINGS + 1
    assert report.findings[-1].code == "LW404"
    assert report.refused


def test_a_deadline_that_has_passed(sandbox: Sandbox) -> None:
    bundle, findings = open_bundle(files("spam").items())
    assert bundle is not None
    with pytest.raises(DeadlineExceeded):
        accept(sandbox, bundle, findings, deadline=time.monotonic() - 1)


def test_an_older_version_with_fewer_fields_can_be_compared(sandbox: Sandbox) -> None:
    old, _ = open_bundle(files("spam").items())
    wider = files("spam")
    wider["task.toml"] = wider["task.toml"].replace(
        b"[fields]\n", b'[fields]\nsender = { type = "text", optional = true }\n'
    )
    new, findings = open_bundle(wider.items())
    assert old is not None
    assert new is not None, findings
    assert accuracy_on_gold_of(sandbox, old, new) == 0.6


def test_a_field_of_another_type_cannot(sandbox: Sandbox) -> None:
    old, _ = open_bundle(files("spam").items())
    other = files("spam", p="def label(text):\n    return 'ham'\n", gold=b'{"text": 1, "label": "ham"}\n')
    other["task.toml"] = other["task.toml"].replace(b'text = "text"', b'text = "number"')
    new, findings = open_bundle(other.items())
    assert old is not None
    assert new is not None, findings
    with pytest.raises(Incomparable, match="was text and is number"):
        accuracy_on_gold_of(sandbox, old, new)


def test_labels_that_people_cannot_tell_apart_are_refused(sandbox: Sandbox) -> None:
    contents = files("spam")
    contents["task.toml"] = contents["task.toml"].replace(b"[labels]\n", b'[labels]\n"SPAM" = "louder"\n')
    bundle, report = accept_files(sandbox, list(contents.items()))
    assert bundle is None
    assert [
        (finding.file, finding.code, finding.severity) for finding in report.findings if "same as" in finding.message
    ] == [("task.toml", "LW102", Severity.ERROR)]


def test_nothing_of_a_bundle_above_the_caps_is_run(sandbox: Sandbox) -> None:
    contents = files("spam", prize=PRIZE, fails="X = 1 / 0\n\n\ndef label(text):\n    return None\n")
    caps = RegistrySettings().caps
    for low in (caps._replace(program_time_ms=Cap(99, "T")), caps._replace(version_memory_mb=Cap(255, "M"))):
        bundle, report = accept_files(sandbox, list(contents.items()), caps=low)
        assert bundle is None
        assert [finding.code for finding in report.findings] == ["LW113"]
        malformed = [*contents.items(), ("label_model.json", b"{}")]
        _, report = accept_files(sandbox, malformed, caps=low)
        assert {finding.code for finding in report.findings} == {"LW111", "LW113"}
    _, report = accept_files(sandbox, list(contents.items()), caps=caps)
    assert "LW113" not in {finding.code for finding in report.findings}
