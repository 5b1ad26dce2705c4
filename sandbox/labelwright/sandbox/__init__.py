"""Runs labeling programs inside WebAssembly, within limits."""

from labelwright.sandbox.backend.executable import Executable
from labelwright.sandbox.labeler import Labeled, Labeler
from labelwright.sandbox.sandbox import Sandbox

__all__ = ["Executable", "Labeled", "Labeler", "Sandbox"]
