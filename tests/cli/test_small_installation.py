from __future__ import annotations

import subprocess
import sys

import pytest

from tests.parts.example_bundles import SPAM

MISSING = ["wasmtime", "platformdirs", "sqlalchemy", "structlog", "pyarrow", "grpc_health", "componentize_py", "redis"]


def run_without_extras(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as it is where only `pip install labelwright` was done."""
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({MISSING}))\n"
        "from labelwright.cli.main import main\n"
        f"sys.argv[1:] = {list(arguments)}\n"
        "main()"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_the_command_starts() -> None:
    done = run_without_extras("--help")
    assert done.returncode == 0, done.stderr
    assert "promote" in done.stdout


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
    done = run_without_extras(*arguments)
    assert done.returncode == 2, done.stderr
    assert f"labelwright[{extra}]" in done.stderr
    assert "Traceback" not in done.stderr
