"""A label model fitted again: by what its programs have not seen, and the same as synthesis where nothing changed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from labelwright.core.bundle import PROVENANCE_FILE, Bundle, program_digests
from labelwright.core.errors import ConfigurationError
from labelwright.core.label_model import LABEL_MODEL_FILE, ProgramChanges, parse_label_model
from labelwright.sandbox import Sandbox
from labelwright.synthesis.combining.fitting import fit_again

from tests.synthesis.combining.sensors_version import SENSORS, bundle_of


def present(bundle: Bundle) -> str:
    return bundle.files[LABEL_MODEL_FILE].decode()


def test_it_is_that_of_synthesis_where_nothing_changed(sandbox: Sandbox, written: Bundle) -> None:
    refit = fit_again(sandbox, written, written.gold, present(written))
    story = json.loads(written.files[PROVENANCE_FILE])
    assert refit.text == present(written)
    assert refit.changes == ProgramChanges()
    assert refit.shown_rows == len(story["shown_gold"]) > 0
    assert refit.gold_rows == len(written.gold) - refit.shown_rows > 0
    assert refit.judged_rows == len(story["judged"]) > 0
    assert refit.after.accuracy == pytest.approx(story["measured"]["accuracy"])
    assert refit.gold_rows + refit.judged_rows == story["measured"]["rows"]


def test_it_is_fitted_to_the_programs_as_people_left_them(sandbox: Sandbox, written: Bundle) -> None:
    first, second, *_ = written.programs
    files = {path: content for path, content in written.files.items() if path != LABEL_MODEL_FILE}
    never = b'"""Never."""\n\n\ndef label():\n    return None\n'
    files[first.path] = never
    del files[second.path]
    files["programs/own.py"] = never.replace(b"Never", b"Own")
    bundle = bundle_of(files)
    refit = fit_again(sandbox, bundle, bundle.gold, present(written))
    assert refit.changes == ProgramChanges((first.name,), ("own",), (second.name,))
    assert refit.before is None, "its weights are those of other programs"
    model, findings = parse_label_model(refit.text, bundle.task.label_names, program_digests(bundle.programs))
    assert (model is not None, findings) == (True, [])
    assert refit.shown_rows == len(json.loads(written.files[PROVENANCE_FILE])["shown_gold"])


def test_rows_that_prompts_showed_prove_nothing(sandbox: Sandbox, written: Bundle) -> None:
    shown = set(json.loads(written.files[PROVENANCE_FILE])["shown_gold"])
    seen = [row for index, row in enumerate(written.gold) if index in shown]
    judged = json.loads(written.files[PROVENANCE_FILE]) | {"judged": []}
    bundle = bundle_of({**written.files, PROVENANCE_FILE: json.dumps(judged).encode()})
    with pytest.raises(ConfigurationError, match=f"0 of {len(seen)} gold rows stood in no prompt") as refused:
        fit_again(sandbox, bundle, seen, present(written))
    assert "--gold" in refused.value.advice


def test_programs_of_people_get_one_too(sandbox: Sandbox) -> None:
    files = {
        path.relative_to(SENSORS / "bundle").as_posix(): path.read_bytes()
        for path in (SENSORS / "bundle").rglob("*")
        if path.suffix in (".py", ".toml", ".jsonl")
    }
    bundle = bundle_of(files)
    assert LABEL_MODEL_FILE not in bundle.files
    refit = fit_again(sandbox, bundle, bundle.gold, None)
    assert (refit.changes, refit.shown_rows, refit.judged_rows) == (None, 0, 0)
    assert refit.before, "the majority's"
    low, high = refit.after.interval
    assert low < refit.after.accuracy < high
    assert refit.after.labeled_accuracy == pytest.approx(refit.after.mean_probability, abs=0.1)
    assert LABEL_MODEL_FILE in bundle_of({**files, LABEL_MODEL_FILE: refit.text.encode()}).files


def test_the_least_probability_that_somebody_set_stays(sandbox: Sandbox, written: Bundle) -> None:
    model = json.loads(present(written)) | {"min_probability": 0.9}
    refit = fit_again(sandbox, written, written.gold, json.dumps(model))
    assert json.loads(refit.text)["min_probability"] == 0.9
    assert refit.before
    assert max(refit.before.coverage, refit.after.coverage) < 1


@pytest.mark.parametrize("labels", [0, 1])
def test_it_needs_gold_rows_of_several_labels(sandbox: Sandbox, written: Bundle, labels: int) -> None:
    rows = [row for row in written.gold if row.label is not None and row.label < labels]
    with pytest.raises(ConfigurationError) as refused:
        fit_again(sandbox, replace(written, gold=()), rows, None)
    assert ("one label alone" if labels else "no gold rows") in refused.value.message
    assert "gold.jsonl" in refused.value.advice
