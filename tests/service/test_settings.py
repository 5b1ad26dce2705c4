from __future__ import annotations

import enum
import re

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.service.settings import ServiceSettings

from tests.parts.repository import ROOT

DOCS = ROOT / "docs" / "service.md"


def test_the_table_of_settings_is_complete_and_true() -> None:
    rows = re.findall(r"^\| `(LABELWRIGHT_SERVICE_\w+)` \|[^|]+\|([^|]*)\|([^|]+)\|$", DOCS.read_text(), re.MULTILINE)
    documented = {variable: (default.strip(" `"), meaning.strip()) for variable, default, meaning in rows}
    fields = {ServiceSettings.variable(name): field for name, field in ServiceSettings.model_fields.items()}
    assert documented.keys() == fields.keys()
    for variable, field in fields.items():
        default, meaning = documented[variable]
        assert meaning == field.description
        if field.default_factory is None:
            assert default == shown(field.default), variable


def shown(value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    return ",".join(value) if isinstance(value, tuple) else str(value)


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELWRIGHT_SERVICE_WORKERS", "none")
    monkeypatch.setenv("LABELWRIGHT_SERVICE_LISTEN", "127.0.0.1:70000")
    with pytest.raises(ConfigurationError) as caught:
        ServiceSettings.read()
    assert "LABELWRIGHT_SERVICE_WORKERS" in caught.value.message
    assert "LABELWRIGHT_SERVICE_LISTEN" in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LISTEN", "nowhere"),
        ("REDIS_MODE", "sometimes"),
        ("MAX_REQUESTS", "many"),
        ("WORKERS", "0"),
        ("DRAIN_S", "nan"),
    ],
)
def test_a_value_that_cannot_be_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"LABELWRIGHT_SERVICE_{name}", value)
    with pytest.raises(ConfigurationError, match=f"LABELWRIGHT_SERVICE_{name}"):
        ServiceSettings.read()


def test_names_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELWRIGHT_SERVICE_TASKS", "spam, tickets,,")
    assert ServiceSettings.read().tasks == ("spam", "tickets")
