"""Runs labeling programs inside WebAssembly, within limits."""

from assay.sandbox.labeler import Labeled, Labeler
from assay.sandbox.sandbox import Sandbox

__all__ = ["Labeled", "Labeler", "Sandbox"]
