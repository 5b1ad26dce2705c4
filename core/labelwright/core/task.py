"""Tasks: what is to be labeled. Parsed from ``task.toml``; all that is wrong is reported at once, with its line."""

from __future__ import annotations

import enum
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Annotated

from labelwright.core.finding import Finding
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic import Field as Setting

TASK_FILE = "task.toml"
MAX_LABELS = 1000
NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,62}$"
FIELD_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"

_Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
_FieldName = Annotated[str, StringConstraints(pattern=FIELD_PATTERN)]
_LabelName = Annotated[str, StringConstraints(pattern=r"^\S(.{0,98}\S)?$")]
_Share = Annotated[float, Setting(ge=0, le=1)]


class FieldType(enum.Enum):
    """The types of values, by their names in task.toml."""

    TEXT = "text"
    NUMBER = "number"
    BOOL = "bool"
    NUMBERS = "numbers"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a task. ``unit`` and ``description`` are for people and for the LLM that writes programs."""

    name: str
    type: FieldType
    description: str = ""
    unit: str = ""
    optional: bool = False


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Strict):
    """What one evaluation may use, enforced by the virtual machine: an exception is something a program could catch."""

    time_ms: Annotated[int, Setting(ge=1, le=10_000)] = 100
    """Milliseconds per program and record."""
    memory_mb: Annotated[int, Setting(ge=48, le=1024)] = 128
    """MiB of a sandbox instance, the interpreter's own share (about 20) included."""
    record_bytes: Annotated[int, Setting(ge=1, le=8 << 20)] = 64 << 10
    """Bytes of one packed record."""


class Gates(_Strict):
    """What must hold before a version becomes production. A gate that is not set is not checked."""

    min_accuracy: _Share | None = None
    """Share of all gold rows that get the right label."""
    min_covered_accuracy: _Share | None = None
    """Share of the labeled gold rows that get the right label."""
    min_coverage: _Share | None = None
    """Share of rows that get a label."""
    min_gain_over_majority: Annotated[float, Setting(ge=-1, le=1)] | None = None
    """Accuracy minus that of always giving the commonest label."""
    max_accuracy_drop: _Share | None = None
    """How far accuracy may lie below that of the version in production, on the same gold rows."""
    max_error: _Share | None = 0.01
    """Share of votes that may be errors."""


class Approval(enum.Enum):
    """Who decides that a refreshed version becomes production, by the names in task.toml."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Refresh(_Strict):
    """How the task is refreshed when its records drift."""

    sample: bool = False
    """Whether label services keep a sample of recent records in Redis: without one nothing can be rewritten."""
    sample_records: Annotated[int, Setting(ge=50, le=100_000)] = 2000
    """Records of that sample at most."""
    sample_hours: Annotated[int, Setting(ge=1, le=720)] = 24
    """Hours that a record stays in it."""
    approval: Approval = Approval.AUTOMATIC
    """Whether a person has to approve a candidate that proved better."""
    cooldown_minutes: Annotated[int, Setting(ge=0, le=43_200)] = 360
    """Minutes after a run in which no alert opens another."""
    daily_tokens: Annotated[int, Setting(ge=0)] = 500_000
    """Tokens of the LLM that the task's runs may use within 24 hours."""
    shadow_records: Annotated[int, Setting(ge=0, le=1_000_000)] = 500
    """Records of live traffic that a candidate is evaluated on beside production, before it is decided on."""
    watch_minutes: Annotated[int, Setting(ge=0, le=10_080)] = 60
    """Minutes after a promotion in which a version that fails is rolled back."""


class Feature(_Strict):
    """How a field of numbers is made out of another field, outside of the sandbox, before programs see the record."""

    extractor: _Name
    """Which extractor makes it; ``labelwright.features`` knows them."""
    source: _FieldName
    """The field of text that it is made of."""
    model: Annotated[str, Setting(min_length=1, max_length=500)]
    """The model that the extractor uses: a path on the machine that extracts."""
    digest: Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    """Digest of the model's file: numbers of another one mean nothing to the programs. Empty: not checked."""


class _TaskTable(_Strict):
    name: _Name
    instructions: Annotated[str, Setting(min_length=1, max_length=20_000)]


class _FieldTable(_Strict):
    type: FieldType
    description: str = ""
    unit: str = ""
    optional: bool = False


def _table(spec: object) -> object:
    """Read ``text = "text"``, the short form of a field that has only a type."""
    return {"type": spec} if isinstance(spec, str) else spec


_FieldSpec = Annotated[_FieldTable, BeforeValidator(_table)]


class _TaskFile(_Strict):
    task: _TaskTable
    labels: Annotated[dict[_LabelName, str], Setting(min_length=2, max_length=MAX_LABELS)]
    fields: Annotated[dict[_FieldName, _FieldSpec], Setting(min_length=1, max_length=100)]
    limits: Limits = Limits()
    gates: Gates = Gates()
    refresh: Refresh = Refresh()
    features: dict[_FieldName, Feature] = Setting(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """A task: its labels (name to description) and fields (by name), both in the order of the file."""

    name: str
    instructions: str
    labels: dict[str, str]
    fields: dict[str, Field]
    limits: Limits = field(default_factory=Limits)
    gates: Gates = field(default_factory=Gates)
    refresh: Refresh = field(default_factory=Refresh)
    features: dict[str, Feature] = field(default_factory=dict)
    """How fields are made that callers need not give, by the field's name."""
    toml: str = field(default="", compare=False, repr=False)
    """The text of task.toml that it was read from."""

    def fields_of(self, *types: FieldType) -> list[Field]:
        """Return the fields of these types, in the order of the file."""
        return [item for item in self.fields.values() if item.type in types]

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels' names; a vote is an index into them."""
        return tuple(self.labels)

    @property
    def text_field(self) -> str | None:
        """The field that the short form fills: the only required one, where it is a text; else None."""
        required = [item for item in self.fields.values() if not item.optional]
        return required[0].name if len(required) == 1 and required[0].type is FieldType.TEXT else None


def parse_task(text: str) -> tuple[Task | None, list[Finding]]:
    """Return the task that ``text`` (TOML) describes, or None and what is wrong with it."""
    try:
        table = tomllib.loads(text)
    except RecursionError:
        return None, [_syntax_finding(text, "nested too deeply")]
    except ValueError as error:  # tomllib.TOMLDecodeError, and an integer of thousands of digits
        return None, [_syntax_finding(text, str(error))]
    try:
        parsed = _TaskFile.model_validate(table)
    except ValidationError as error:
        return None, [_finding(text, _path(item["loc"]), item["type"], item["msg"]) for item in error.errors()]
    fields = {name: Field(name, **spec.model_dump()) for name, spec in parsed.fields.items()}
    if findings := [
        item for name, feature in parsed.features.items() for item in _misfits(text, fields, name, feature)
    ]:
        return None, findings
    return Task(
        parsed.task.name,
        parsed.task.instructions,
        dict(parsed.labels),
        fields,
        parsed.limits,
        parsed.gates,
        parsed.refresh,
        parsed.features,
        text,
    ), []


def label_findings(task: Task) -> list[Finding]:
    """Return what is wrong with labels that can be told apart by a program and not by people.

    Apart from ``parse_task``, because versions that were accepted before there was this rule still have to load.
    """
    findings = []
    first: dict[str, str] = {}
    for label in task.labels:
        path = ["labels", label]
        if hidden := _HIDDEN.search(label):
            findings.append(_finding(task.toml, path, "", f"holds {hidden[0]!a}, which nobody sees"))
        same = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
        if (twin := first.setdefault(same, label)) != label:
            said = f"is the same as {twin!a} but for capitals or kinds of letters"
            findings.append(_finding(task.toml, path, "", said))
    return findings


def _misfits(text: str, fields: Mapping[str, Field], name: str, feature: Feature) -> Iterator[Finding]:
    """Yield what does not fit between a feature and the task's fields."""
    for setting, wanted, type_ in (("", name, FieldType.NUMBERS), ("source", feature.source, FieldType.TEXT)):
        if wanted not in fields or fields[wanted].type is not type_:
            path = ["features", name, *([setting] if setting else [])]
            yield _finding(text, path, "", f"{wanted!r} is not a field of type {type_.value}")


def _syntax_finding(text: str, message: str) -> Finding:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = int(found[1]) if found else len(text.splitlines())
    return Finding(TASK_FILE, line, "LW101", f"not valid TOML: {message}", "correct the line, or quote the text")


_HIDDEN = re.compile(
    # Control and format characters, such as those that turn the direction of writing, lone surrogates, fillers.
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_KEY_LENGTH = 300
"""Characters of a line in which a setting's key is looked for: more than the longest that is allowed."""
_PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "there is no such setting",
    "model_type": "must be a table",
    "dict_type": "must be a table",
}


def _finding(text: str, path: list[str], kind: str, message: str) -> Finding:
    place = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in ".".join(path))
    said = f"{place}: {_PLAIN.get(kind, message)}"
    return Finding(TASK_FILE, line_of(text, path), "LW102", said, "docs/bundle.md describes task.toml")


def _path(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys, without the mark that pydantic adds where a key itself is wrong."""
    return [str(part) for part in location if part != "[key]"]


def line_of(text: str, path: list[str]) -> int:
    """Return the line of the setting at ``path``, or of the nearest table around it that the file has."""
    table: list[str] = []
    nearest, deepest = 1, 0
    for number, whole in enumerate(text.split("\n"), start=1):
        line = whole[:_KEY_LENGTH]
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            here = table = _keys(header[1])
        elif setting := re.match(r"\s*([\w\s.\"'-]+?)\s*=", line):
            here = table + _keys(setting[1])
        else:
            continue
        depth = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(here, path, strict=False)))
        if depth > deepest:
            nearest, deepest = number, depth
    return nearest


def _keys(dotted: str) -> list[str]:
    return [
        quoted or literal or bare for quoted, literal, bare in re.findall(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)", dotted)
    ]
