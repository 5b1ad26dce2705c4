from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest
from labelwright.core.errors import ConfigurationError, LabelwrightError, SandboxUnavailable, Unavailable
from labelwright.serving.main import run_server
from labelwright.serving.settings import ServerSettings
from pydantic_settings import SettingsConfigDict


class ExampleSettings(ServerSettings):
    """Nothing but what every server has."""

    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    page: ClassVar[str] = "docs/registry.md"


@pytest.fixture(autouse=True)
def _same_process_afterwards() -> Iterator[None]:
    root, stack = logging.getLogger(), threading.stack_size()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    threading.stack_size(stack)


def ended(error: Exception | None, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit code and the output of a server that ends with this error."""

    def serve(_: ServerSettings) -> None:
        if error is not None:
            raise error

    code = run_server("example", ExampleSettings.read, serve)
    return code, capsys.readouterr().err


def test_a_server_that_ends_when_asked_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(None, capsys) == (0, "")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("EXAMPLE_LISTEN: is taken", advice="choose another"), 2),
        (SandboxUnavailable("no sandbox", advice="install it"), 1),
        (Unavailable("no database", advice="start it"), 1),
        (LabelwrightError("a bug", advice="report it"), 1),
    ],
)
def test_an_error_is_one_line_with_advice(
    error: LabelwrightError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(error, capsys) == (code, f"labelwright example: {error.message} ({error.advice})\n")


def test_a_message_without_advice_has_no_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(Unavailable("no database"), capsys) == (1, "labelwright example: no database\n")


def test_an_unforeseen_error_says_where_and_quotes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code, output = ended(ValueError("a record"), capsys)
    assert code == 1
    assert output.startswith("labelwright example: ended by an unforeseen ValueError in ")
    assert "serve:" in output
    assert "a record" not in output
    assert "Traceback" not in output


def test_a_wrong_setting_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_LOG_LEVEL", "loud")
    code, output = ended(None, capsys)
    assert code == 2
    assert output.startswith("labelwright example: EXAMPLE_LOG_LEVEL: ")
    assert output.endswith("(docs/registry.md lists the settings)\n")
