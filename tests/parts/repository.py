"""Where the project's own files lie."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SMALL_MODEL_REPLIES = ROOT / "tests" / "fixtures" / "small_model" / "spam_replies.jsonl"
"""Real replies of a model of 1.5 billion parameters to the prompts for the spam example."""
DATA = ROOT.parent / "shared" / "data"
"""Public data sets beside the checkout, where there are any."""
HOSTILE_BUNDLES = ROOT.parent / "shared" / "hostile"
"""Bundles made to break out or to do harm, with what is expected of each, beside the checkout where there are any."""
