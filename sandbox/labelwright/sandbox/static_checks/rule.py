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

SYNTAX = Rule("AS201", "correct the line; the file must be Python")
NO_LABEL = Rule("AS202", "write: def label(<fields>) -> str | None")
NOT_PLAIN = Rule("AS203", "make label a plain function at the top level: def label(<fields>)")
PARAMETER = Rule("AS204", "name parameters after the task's fields; put anything else into a constant")
TWICE = Rule("AS205", "remove one of them; the last one counts", Severity.WARNING)
IMPORT = Rule("AS210", "docs/checks.md lists what a program may import")
DUNDER = Rule("AS211", "write it without names that begin and end with two underscores")
BUILTIN = Rule("AS212", "a label must depend on the record alone; leave this function out")
INSIDES = Rule("AS213", "leave the interpreter's frames alone")
CLOCK = Rule("AS214", "the same record must always give the same vote; take the time from a field of the record")
RESULT = Rule("AS220", "return one of the task's labels, or None to abstain")
PATCHING = Rule("AS230", "programs share the library; give your own function or class another name instead")
ATTRIBUTE = Rule(
    "AS231", "build the object with its values; dataclasses.replace makes changed copies", Severity.WARNING
)
GLOBAL = Rule("AS232", "keep nothing between records; use local variables", Severity.WARNING)
DEFAULT = Rule("AS233", "use None as the default and make the object inside", Severity.WARNING)
SET_ORDER = Rule("AS234", "loop over sorted(...): the order of a set is not the same everywhere", Severity.WARNING)
TOP_LEVEL = Rule("AS240", "keep to imports, constants, functions and classes at the top level", Severity.WARNING)
REGEX_SYNTAX = Rule("AS250", "correct the pattern; write it as r'...'")
REGEX_EXPONENTIAL = Rule(
    "AS251", "let the inner part end with something that it cannot contain, or bound the repetition", Severity.WARNING
)
REGEX_SLOW = Rule("AS252", "merge the two repetitions into one, or put something between them", Severity.WARNING)
DOCSTRING = Rule("AS260", "say in a sentence what label looks for: people read programs", Severity.WARNING)
