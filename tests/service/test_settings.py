from __future__ import annotations

import enum
import re
from pathlib import Path

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.service import settings
from labelwright.service.settings import ENV_PREFIX, Settings, read_settings

from tests.parts.repository import ROOT

DOCS = ROOT / "docs" / "service.md"


def test_the_table_of_settings_is_complete_and_true() -> None:
    rows = re.findall(r"^\| `LABELWRIGHT_SERVICE_(\w+)` \|[^|]+\|([^|]*)\|([^|]+)\|$", DOCS.read_text(), re.MULTILINE)
    documented = {name.lower(): (default.strip(" `"), meaning.strip()) for name, default, meaning in rows}
    assert list(documented) == list(Settings.model_fields)
    source = Path(str(settings.__file__)).read_text()
    for name, field in Settings.model_fields.items():
        default, meaning = documented[name]
        assert f'"""{meaning}"""' in source
        if name != "data_dir":
            assert default == shown(field.default), name


def shown(value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    return ",".join(value) if isinstance(value, tuple) else str(value)


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}WORKERS", "none")
    monkeypatch.setenv(f"{ENV_PREFIX}LISTEN", "127.0.0.1:70000")
    with pytest.raises(ConfigurationError) as caught:
        read_settings()
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
    monkeypatch.setenv(f"{ENV_PREFIX}{name}", value)
    with pytest.raises(ConfigurationError, match=f"LABELWRIGHT_SERVICE_{name}"):
        read_settings()


def test_names_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}TASKS", "spam, tickets,,")
    assert read_settings().tasks == ("spam", "tickets")
