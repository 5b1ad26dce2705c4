"""The rules that a program is read by, each with its code, its severity and its advice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labelwright.core.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; docs/checks.md explains each by its code."""

    code: str
    advice: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Breach:
    """A place where a program breaks a rule."""

    rule: Rule
    line: int
    message: str

    def finding(self, file: str) -> Finding:
        """Return it as a finding about ``file``."""
        return Finding(file, self.line, self.rule.code, self.message, self.rule.advice, self.rule.severity)


Breaches = Iterator[Breach]

SYNTAX = Rule("LW201", "correct the line; the file must be Python")
NO_LABEL = Rule("LW202", "write: def label(<fields>) -> str | None")
NOT_PLAIN = Rule("LW203", "make label a plain function at the top level: def label(<fields>)")
PARAMETER = Rule("LW204", "name parameters after the task's fields; put anything else into a constant")
TWICE = Rule("LW205", "remove one of them; the last one counts", Severity.WARNING)
IMPORT = Rule("LW210", "docs/checks.md lists what a program may import")
DUNDER = Rule("LW211", "write it without names that begin and end with two underscores")
BUILTIN = Rule("LW212", "a label must depend on the record alone; leave this function out")
INSIDES = Rule("LW213", "leave the interpreter's frames alone")
CLOCK = Rule("LW214", "the same record must always give the same vote; take the time from a field of the record")
RESULT = Rule("LW220", "return one of the task's labels, or None to abstain")
PATCHING = Rule("LW230", "programs share the library; give your own function or class another name instead")
ATTRIBUTE = Rule(
    "LW231", "build the object with its values; dataclasses.replace makes changed copies", Severity.WARNING
)
GLOBAL = Rule("LW232", "keep nothing between records; use local variables", Severity.WARNING)
DEFAULT = Rule("LW233", "use None as the default and make the object inside", Severity.WARNING)
SET_ORDER = Rule(
    "LW234", "loop over sorted(...): a set has an order of its own in the sandbox, another elsewhere", Severity.WARNING
)
OUTLIVES = Rule(
    "LW235", "keep nothing between records; functools.lru_cache may keep what was computed before", Severity.WARNING
)
TOP_LEVEL = Rule("LW240", "keep to imports, constants, functions and classes at the top level", Severity.WARNING)
HISTORY = Rule("LW310", "keep nothing between records: make counters, lists and iterators inside label")
"""The code of the determinism check, which finds by running what this finds by reading."""
REGEX_SYNTAX = Rule("LW250", "correct the pattern; write it as r'...'")
REGEX_EXPONENTIAL = Rule(
    "LW251", "let the inner part end with something that it cannot contain, or bound the repetition", Severity.WARNING
)
REGEX_SLOW = Rule("LW252", "merge the two repetitions into one, or put something between them", Severity.WARNING)
DOCSTRING = Rule("LW260", "say in a sentence what label looks for: people read programs", Severity.WARNING)
