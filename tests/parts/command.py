"""The command, run in this process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from labelwright.cli.main import app
from typer.testing import CliRunner, Result


class Command:
    """The command, run in this process; it finds its servers at these addresses."""

    def __init__(self, registry: str, service: str, **environment: str | None) -> None:
        """``environment`` are more variables, None for one that is not set."""
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LABELWRIGHT_REGISTRY": registry,
            "LABELWRIGHT_SERVICE": service,
            "COLUMNS": "100",
            "NO_COLOR": "1",
        }
        self._more = environment

    def __call__(self, *arguments: object, stdin: bytes | None = None, exits: int = 0) -> Result:
        env = {**self.environment, **self._more}
        result = CliRunner().invoke(app, [str(item) for item in arguments], input=stdin, env=env)
        assert result.exit_code == exits, result.output
        assert "Traceback" not in result.output
        return result

    def json(self, *arguments: object, exits: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", exits=exits).stdout)
