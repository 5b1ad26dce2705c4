"""What to type to call this command again: next steps are shown so that they work as they stand."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

COMMAND = "labelwright"


def command_name() -> str:
    """Return "labelwright" if that is on the PATH, else its path as seen from the working folder."""
    script = Path(sys.executable).with_name(COMMAND)
    on_path = shutil.which(COMMAND)
    if not script.exists() or (on_path and Path(on_path).samefile(script)):
        return COMMAND
    folder = Path.cwd()
    return shlex.quote(os.path.relpath(script, folder) if script.is_relative_to(folder) else str(script))
