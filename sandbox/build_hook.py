"""Hatch build hook: makes the runtime component before a wheel or an editable install is made.

Runs before Labelwright is installed, so it takes the build by its path.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_BUILD = Path("sandbox/labelwright/sandbox/build.py")


class RuntimeBuildHook(BuildHookInterface[Any]):
    """Builds sandbox/labelwright/sandbox/runtime/labelwright-runtime.wasm where it is missing or out of date."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the runtime before hatchling collects files. Source distributions carry no built files."""
        if self.target_name != "wheel":
            return
        spec = importlib.util.spec_from_file_location("labelwright_sandbox_build", Path(self.root) / _BUILD)
        if spec is None or spec.loader is None:
            raise FileNotFoundError(_BUILD)
        build = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(build)
        self.app.display_info("Building the sandbox's runtime component (about ten seconds; skipped if up to date)")
        build.build_runtime()
