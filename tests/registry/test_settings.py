from __future__ import annotations

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.registry.settings import RegistrySettings


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_WATCHERS", "many"), ("MAX_WATCHERS", "0"), ("POLL_SECONDS", "-1"), ("THREADS", "100000")],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"LABELWRIGHT_REGISTRY_{name}", value)
    with pytest.raises(ConfigurationError, match=f"LABELWRIGHT_REGISTRY_{name}: "):
        RegistrySettings.read()


def test_sqlite_in_the_data_folder_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELWRIGHT_REGISTRY_DATA_DIR", "/some/where")
    assert RegistrySettings.read().url == "sqlite:////some/where/registry.sqlite3"
    monkeypatch.setenv("LABELWRIGHT_REGISTRY_DATABASE_URL", "postgresql://host/name")
    assert RegistrySettings.read().url == "postgresql://host/name"
