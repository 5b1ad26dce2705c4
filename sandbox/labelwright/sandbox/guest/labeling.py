"""The component's exports. labeling.wit describes the text that goes in and out."""

from __future__ import annotations

import gc
import io
import json
import os
import random
import sys
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from .allowed import MODULES
from .program import FIRST, LoadedProgram, LoadError

INTERFACE = 1


class Labeling:
    """The interface of this name. componentize-py makes a new object for each call, so the class holds the state."""

    _baked = False
    _labels: Sequence[str] = ()
    _fields: Sequence[Mapping[str, Any]] = ()
    _programs: Sequence[LoadedProgram] = ()
    _names: Sequence[str] = ()

    def describe(self) -> str:
        """Return what this component is."""
        return json.dumps(
            {
                "interface": INTERFACE,
                "python": ".".join(map(str, sys.version_info[:3])),
                "unicode": unicodedata.unidata_version,
                "modules": MODULES,
                "baked": self._baked,
                "labels": self._labels,
                "fields": self._fields,
                "programs": self._names,
            }
        )

    def load(self, version: str) -> str:
        """Load the programs of a version and return what is wrong with each."""
        if self._baked:
            return json.dumps([{"type": "Baked", "message": "the programs are part of this component", "line": 0}])
        return json.dumps(_load(version))

    def evaluate(self, records: str) -> str:
        """Return every program's vote on every record."""
        batch = json.loads(records)
        columns = [program.vote(batch) for program in self._programs]
        votes = "".join(map("".join, zip(*columns, strict=True)))
        messages = {str(index): program.message for index, program in enumerate(self._programs) if program.message}
        return votes + json.dumps(messages) if messages else votes

    def trace(self, records: str) -> str:
        """Return every program's vote on every record, with what decided it."""
        batch = json.loads(records)
        return json.dumps([[program.trace(record) for program in self._programs] for record in batch])


def bake(version: str) -> None:
    """Make the programs of ``version`` part of the component; called while it is built. Raises ValueError."""
    errors = [error for error in _load(version) if error]
    if errors:
        raise ValueError(json.dumps(errors))
    Labeling._baked = True


def settle() -> None:
    """Prepare the interpreter for its snapshot: nothing may want to write, and nothing that lives now can die.

    Raises RuntimeError where this build drew a hash seed of its own: see build.py.
    """
    if sys.flags.hash_randomization:
        raise RuntimeError("the hash seed is not fixed")
    # What statistics draws where it is given no seed; LW310 refuses that, where it sees it.
    random.seed(0)
    # Anything written would trap: there is nowhere to write to.
    sys.stdout = sys.stderr = io.StringIO()
    sys.unraisablehook = lambda _: None
    warnings.simplefilter("ignore")
    _end_where_memory_ends()
    gc.collect()
    gc.freeze()


def _end_where_memory_ends() -> None:
    """Trap at the first MemoryError, before any program can catch it.

    How much memory is left depends on what ran before, so a program that went on from here could vote differently
    in another batch. And CPython's own handling of a failed allocation cannot be relied on: 3.14.0 frees a string
    twice where ``a + a`` finds no memory.
    """
    monitoring: Any = getattr(sys, "monitoring")  # noqa: B009 (Python 3.12 and later; hosts may be older)
    tool, event = monitoring.DEBUGGER_ID, monitoring.events.RAISE
    monitoring.use_tool_id(tool, "labelwright")
    monitoring.register_callback(tool, event, _on_raise)
    monitoring.set_events(tool, event)


def _on_raise(code: object, _offset: int, error: BaseException) -> None:
    # The parser raises one as well where a source is nested too deeply, and only there it arises in this function.
    if isinstance(error, MemoryError) and code is not LoadedProgram.__init__.__code__:
        os._exit(1)


def _load(version: str) -> list[dict[str, Any] | None]:
    content = json.loads(version)
    labels = {label: chr(FIRST + index) for index, label in enumerate(content["labels"])}
    programs: list[LoadedProgram] = []
    outcomes: list[dict[str, Any] | None] = []
    for item in content["programs"]:
        try:
            programs.append(LoadedProgram(item["name"], item["source"], content["fields"], labels))
            outcomes.append(None)
        except LoadError as error:
            outcomes.append({"type": error.kind, "message": error.message, "line": error.line})
    Labeling._labels, Labeling._fields, Labeling._programs = content["labels"], content["fields"], programs
    Labeling._names = [item["name"] for item in content["programs"]]
    return outcomes
