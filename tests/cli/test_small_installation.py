from __future__ import annotations

import subprocess
import sys

import pytest

from tests.parts.example_bundles import SPAM

MISSING = ["wasmtime", "platformdirs", "sqlalchemy", "structlog", "pyarrow", "grpc_health", "componentize_py", "redis"]


def run_without_extras(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as it is after the wheel was installed without extras."""
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({MISSING}))\n"
        "from labelwright.cli.main import main\n"
        f"sys.argv[1:] = {list(arguments)}\n"
        "main()"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_the_command_starts() -> None:
    process = run_without_extras("--help")
    assert process.returncode == 0, process.stderr
    assert "promote" in process.stdout


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["check", str(SPAM)], "registry"),
        (["label", "--local", str(SPAM), "text"], "sandbox"),
        (["up"], "server"),
        (["export", str(SPAM), "x.wasm"], "export"),
    ],
)
def test_what_is_missing_is_named(arguments: list[str], extra: str) -> None:
    process = run_without_extras(*arguments)
    assert process.returncode == 2, process.stderr
    assert f"labelwright[{extra}]" in process.stderr
    assert "Traceback" not in process.stderr
