"""Runs labeling programs inside WebAssembly, within limits."""

from labelwright.sandbox.backend.executable import Executable
from labelwright.sandbox.labeler import Labeled, Labeler
from labelwright.sandbox.sandbox import Sandbox
from labelwright.sandbox.tracing import Deciding

__all__ = ["Deciding", "Executable", "Labeled", "Labeler", "Sandbox"]
