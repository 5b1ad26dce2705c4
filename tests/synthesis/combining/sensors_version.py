"""A version of the sensors example that a capable model wrote, from its recorded replies."""

from __future__ import annotations

from labelwright.core.bundle import Bundle, open_bundle
from labelwright.core.row import parse_rows
from labelwright.sandbox import Sandbox
from labelwright.synthesis.app import open_provider, read_gold, read_task
from labelwright.synthesis.combining.run import run_synthesis
from labelwright.synthesis.combining.version import VersionOptions
from labelwright.synthesis.rows import Rows, records_of
from labelwright.synthesis.settings import SynthesisSettings
from labelwright.synthesis.writing.round import WritingOptions

from tests.parts.repository import EXAMPLES

SENSORS = EXAMPLES / "sensors"


def write(sandbox: Sandbox, earlier: Bundle | None = None, prefix: str = "p") -> Bundle:
    """Return the version; its programs' names begin with ``prefix``."""
    task = read_task(SENSORS / "bundle")
    unlabeled, _ = parse_rows(task, (SENSORS / "unlabeled.jsonl").read_text(), "unlabeled.jsonl", labeled=False)
    rows = Rows(task, records_of(unlabeled), read_gold(task, SENSORS / "bundle" / "gold.jsonl"))
    provider = open_provider(SynthesisSettings(), replies=SENSORS / "replies.jsonl", recorded=True)
    writing = WritingOptions(programs=8, author="large", prefix=prefix)
    made = run_synthesis(rows, provider, sandbox, writing, VersionOptions(), lambda item, asked: None, earlier=earlier)
    return made.version.bundle


def bundle_of(files: dict[str, bytes]) -> Bundle:
    bundle, findings = open_bundle(files.items())
    assert bundle is not None, findings
    return bundle
