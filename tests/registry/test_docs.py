from __future__ import annotations

import re

from labelwright.core import errors, run
from labelwright.core.run import RunState
from labelwright.registry.answering.requests import MAX_MESSAGE_TEXT
from labelwright.registry.metrics import RegistryMetrics
from labelwright.registry.runs.files import MAX_RUN_BYTES, MAX_RUN_FILES
from labelwright.registry.runs.requests import MAX_LEASE_SECONDS
from labelwright.registry.runs.runs import MAX_STEPS
from labelwright.registry.settings import RegistrySettings

from tests.parts.repository import ROOT

DOCS = ROOT / "docs"


def rows(page: str) -> list[list[str]]:
    """Return the cells of every table row of a page."""
    lines = (DOCS / page).read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def test_every_error_is_documented_as_it_is() -> None:
    classes = [
        item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, errors.LabelwrightError)
    ]
    expected = {(f"`{item.reason}`", f"`{item.status}`", f"`{item.__name__}`") for item in classes}
    documented = {tuple(row[:3]) for row in rows("errors.md") if re.fullmatch(r"`[A-Z_]+`", row[0])}
    assert documented == expected


def test_every_setting_is_documented_as_it_is() -> None:
    documented = {row[0].strip("`"): row[1:] for row in rows("registry.md") if "LABELWRIGHT_REGISTRY_" in row[0]}
    fields = {RegistrySettings.variable(name): field for name, field in RegistrySettings.model_fields.items()}
    assert documented.keys() == fields.keys()
    for variable, field in fields.items():
        default, meaning = documented[variable]
        assert meaning == field.description
        if field.default_factory is None:
            assert default.strip("`") == str(getattr(field.default, "value", field.default)), variable


def test_every_metric_is_documented_as_it_is() -> None:
    documented = {
        row[0]: (row[1], row[3]) for row in rows("registry.md") if row[0].startswith("`labelwright_registry_")
    }
    metrics = RegistryMetrics()
    exported = {
        f"`{family.name}{'_total' if family.type == 'counter' else ''}`": (family.type, family.documentation)
        for family in metrics.registry.collect()
    }
    assert documented == exported


def test_every_state_of_a_run_is_documented_as_it_is() -> None:
    anywhere = {RunState.FAILED, RunState.CANCELLED}
    expected = {
        f"`{state.value}`": {
            f"`{other.value}`" for other in set(RunState) - anywhere - {state} if state.may_become(other)
        }
        for state in RunState
    }
    found = [row for row in rows("registry.md") if row[0] in expected]
    assert {row[0]: set(filter(None, row[2].split(", "))) for row in found} == expected


def test_every_limit_of_a_run_is_documented_as_it_is() -> None:
    documented = [row[1].replace(",", "") for row in rows("registry.md")[-20:] if re.fullmatch(r"[0-9,]+", row[1])]
    limits = [
        MAX_LEASE_SECONDS,
        run.MAX_FILE_BYTES >> 20,
        run.MAX_FILE_NAME,
        MAX_RUN_FILES,
        MAX_RUN_BYTES >> 20,
        MAX_MESSAGE_TEXT,
        run.MAX_FACTS_BYTES >> 10,
        MAX_STEPS,
    ]
    assert documented == [str(limit) for limit in limits]


def test_every_acceptance_code_is_documented() -> None:
    source = ROOT / "registry/labelwright/registry/acceptance/acceptance.py"
    documented = {row[0].strip("`") for row in rows("registry.md") if re.fullmatch(r"`AS\d+`", row[0])}
    assert set(re.findall(r'"(AS\d+)"', source.read_text())) == documented
