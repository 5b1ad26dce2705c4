from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.registry.settings import RegistrySettings
from labelwright.service.settings import ServiceSettings
from labelwright.serving.settings import Address, LogLevel, Names, OptionalAddress, OptionalText, ServerSettings
from labelwright.worker.settings import WorkerSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tests.parts.repository import ROOT

SERVERS = [RegistrySettings, ServiceSettings, WorkerSettings]


class ExampleSettings(ServerSettings):
    """One setting of each kind."""

    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    page: ClassVar[str] = "docs/registry.md"

    listen: Address = "127.0.0.1:1"
    """address of the example"""
    metrics_listen: OptionalAddress = "127.0.0.1:2"
    """address of its metrics"""
    threads: Annotated[int, Field(ge=1)] = 4
    """how many threads"""
    url: OptionalText = "redis://127.0.0.1"
    """whom it asks"""
    names: Names = ("production",)
    """what it serves"""
    data_dir: Path = Path("/data")
    """where it keeps things"""


def test_the_text_below_a_setting_describes_it() -> None:
    assert ExampleSettings.model_fields["threads"].description == "how many threads"
    assert ExampleSettings.variable("metrics_listen") == "EXAMPLE_METRICS_LISTEN"


def test_what_is_set_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_LISTEN", "[::1]:7400")
    monkeypatch.setenv("EXAMPLE_NAMES", "spam, tickets,,")
    monkeypatch.setenv("EXAMPLE_LOG_LEVEL", "warning")
    settings = ExampleSettings.read(threads=9)
    assert (settings.listen, settings.names, settings.threads) == ("[::1]:7400", ("spam", "tickets"), 9)
    assert settings.log_level is LogLevel.WARNING


def test_a_setting_that_is_given_replaces_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_THREADS", "2")
    assert ExampleSettings.read().threads == 2
    assert ExampleSettings.read(threads=9).threads == 9


def test_an_empty_variable_is_not_set_except_where_empty_means_something(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ExampleSettings.model_fields:
        monkeypatch.setenv(ExampleSettings.variable(name), "")
    settings = ExampleSettings.read()
    assert (settings.metrics_listen, settings.url, settings.names) == ("", "", ())
    assert (settings.listen, settings.threads, settings.data_dir) == ("127.0.0.1:1", 4, Path("/data"))


def test_every_wrong_variable_is_named_and_no_value_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LISTEN", "METRICS_LISTEN", "THREADS", "LOG_LEVEL"):
        monkeypatch.setenv(f"EXAMPLE_{name}", "hunter2")
    with pytest.raises(ConfigurationError) as caught:
        ExampleSettings.read()
    for name in ("LISTEN", "METRICS_LISTEN", "THREADS", "LOG_LEVEL"):
        assert f"EXAMPLE_{name}: " in caught.value.message
    assert "hunter2" not in caught.value.message
    assert caught.value.advice == "docs/registry.md lists the settings"


@pytest.mark.parametrize("settings", SERVERS)
def test_every_server_can_do_without_metrics_and_without_quiet(
    settings: type[ServerSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.variable("metrics_listen"), "")
    monkeypatch.setenv(settings.variable("log_level"), "debug")
    found = settings.read()
    assert found.model_dump()["metrics_listen"] == ""
    assert found.log_level is LogLevel.DEBUG


@pytest.mark.parametrize("settings", SERVERS)
def test_every_setting_of_every_server_has_a_description(settings: type[ServerSettings]) -> None:
    assert [name for name, field in settings.model_fields.items() if not field.description] == []
    assert (ROOT / settings.page).exists()


def test_a_secret_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "url"
    path.write_text("redis://:secret@127.0.0.1\n")
    monkeypatch.setenv("EXAMPLE_URL_FILE", str(path))
    assert ExampleSettings.read().url == "redis://:secret@127.0.0.1"
    assert ExampleSettings.read(url="").url == ""
    monkeypatch.setenv("EXAMPLE_URL", "redis://other")
    with pytest.raises(ConfigurationError, match="EXAMPLE_URL and EXAMPLE_URL_FILE are both set") as raised:
        ExampleSettings.read()
    assert "secret" not in str(raised.value)


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_URL_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match=r"EXAMPLE_URL_FILE: .*none cannot be read"):
        ExampleSettings.read()
