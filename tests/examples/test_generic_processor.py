"""Code that is compiled for any processor of the architecture, as in the image, votes as CPython does too."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from labelwright.core.bundle import read_folder

from tests.parts.native import native_votes
from tests.parts.repository import ROOT

BUNDLE = ROOT / "examples/sensors/bundle"
SCRIPT = """
import json, pathlib, sys
from labelwright.core.bundle import read_folder
from labelwright.core.record import pack
from labelwright.sandbox import Labeler, Sandbox
bundle, _ = read_folder(pathlib.Path(sys.argv[1]))
with Sandbox() as sandbox:
    labeler = Labeler.open(sandbox, bundle)
    packed = [pack(row.record, bundle.task.limits.record_bytes) for row in bundle.gold]
    print(json.dumps([item.votes for item in labeler.label(packed)]))
"""


@pytest.mark.slow  # compiles the runtime where that was not done before
def test_generic_code_votes_as_cpython_does() -> None:
    bundle, _ = read_folder(BUNDLE)
    assert bundle is not None
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(BUNDLE)],
        env={**os.environ, "LABELWRIGHT_SANDBOX_PROCESSOR": "generic"},
        capture_output=True,
        text=True,
        check=True,
    )
    votes = [tuple(row) for row in json.loads(done.stdout)]
    assert votes == native_votes(bundle, [row.record for row in bundle.gold])
