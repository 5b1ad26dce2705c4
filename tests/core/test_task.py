from __future__ import annotations

import time

import pytest
from labelwright.core.task import FieldType, Task, label_findings, parse_task

TASK = """\
[task]
name = "pumps"
instructions = "Say in which state the pump is."

[labels]
ok = "healthy"
worn = "a bearing is worn"

[fields]
note = "text"
vibration = { type = "number", unit = "mm/s", description = "RMS" }

[fields.spectrum]
type = "numbers"
optional = true

[limits]
time_ms = 20

[gates]
min_accuracy = 0.9
"""


def test_reads_names_fields_limits_and_gates() -> None:
    task, findings = parse_task(TASK)
    assert findings == []
    assert task is not None
    assert task.label_names == ("ok", "worn")
    assert [(field.name, field.type, field.optional) for field in task.fields.values()] == [
        ("note", FieldType.TEXT, False),
        ("vibration", FieldType.NUMBER, False),
        ("spectrum", FieldType.NUMBERS, True),
    ]
    assert task.fields["vibration"].unit == "mm/s"
    assert (task.limits.time_ms, task.limits.memory_mb) == (20, 128)
    assert (task.gates.min_accuracy, task.gates.min_coverage) == (0.9, None)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ('name = "pumps"', 'name = "My Pumps"', 2, "task.name: String should match"),
        (
            'ok = "healthy"\nworn = "a bearing is worn"',
            'ok = "healthy"',
            5,
            "labels: Dictionary should have at least 2",
        ),
        ('ok = "healthy"', '" ok" = "healthy"', 6, "labels. ok: String should match"),
        ('ok = "healthy"', "ok = 3", 6, "labels.ok: Input should be a valid string"),
        ('note = "text"', 'note = "txt"', 10, "fields.note.type: Input should be 'text'"),
        ('note = "text"', '"no te" = "text"', 10, "fields.no te: String should match"),
        ('unit = "mm/s"', 'units = "mm/s"', 11, "fields.vibration.units: there is no such setting"),
        ('type = "numbers"', 'type = "list"', 14, "fields.spectrum.type: Input should be 'text'"),
        ('type = "numbers"\n', "", 13, "fields.spectrum.type: is missing"),
        ("time_ms = 20", "time_ms = 0", 18, "limits.time_ms: Input should be greater than or equal to 1"),
        ("time_ms = 20", "timeout = 20", 18, "limits.timeout: there is no such setting"),
        ("min_accuracy = 0.9", "min_accuracy = 90", 21, "gates.min_accuracy: Input should be less than or equal to 1"),
        ("[gates]\n", "[gate]\n", 20, "gate: there is no such setting"),
    ],
)
def test_says_what_is_wrong_and_where(old: str, new: str, line: int, message: str) -> None:
    task, findings = parse_task(TASK.replace(old, new, 1))
    assert task is None
    assert [(item.line, item.code) for item in findings] == [(line, "LW102")]
    assert findings[0].message.startswith(message)


def test_says_everything_that_is_wrong_at_once() -> None:
    _, findings = parse_task(TASK.replace("20", "0").replace("0.9", "90").replace('"text"', '"txt"'))
    assert [item.line for item in findings] == [10, 18, 21]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[task]\nname = "pumps\n', 2),
        ("[task]\nname = x\n", 2),
        ("[labels]\na = ''\na = ''\n", 3),
        ('[labels]\n"\\uD800" = ""\n', 2),
        ("a = " + "[" * 100_000, 1),
        ("a = " + "1" * 5_000, 1),
    ],
)
def test_places_faulty_toml(text: str, line: int) -> None:
    task, findings = parse_task(text)
    assert task is None
    assert [(item.line, item.code) for item in findings] == [(line, "LW101")]


def test_an_empty_file_lacks_all_three_tables() -> None:
    _, findings = parse_task("")
    assert [item.message for item in findings] == ["task: is missing", "labels: is missing", "fields: is missing"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('text = "text"', "text"),
        ('text = "text"\nhint = { type = "text", optional = true }', "text"),
        ('text = "text"\nhint = "text"', None),
        ('size = "number"', None),
    ],
)
def test_short_form_fills_the_only_required_text(fields: str, expected: str | None) -> None:
    task, _ = parse_task(f'[task]\nname="t"\ninstructions="i"\n[labels]\na=""\nb=""\n[fields]\n{fields}\n')
    assert task is not None
    assert task.text_field == expected


def test_finds_fields_by_their_types_in_order(task: Task) -> None:
    assert [item.name for item in task.fields_of(FieldType.NUMBERS, FieldType.NUMBER)] == ["size", "scores"]
    assert task.fields_of() == []


FEATURE = """
[task]
name = "reviews"
instructions = "i"
[labels]
a = ""
b = ""
[fields]
text = "text"
meaning = "numbers"
[features.meaning]
extractor = "onnx-text"
source = "text"
model = "minilm"
"""


def test_a_feature_says_how_a_field_is_made() -> None:
    task, findings = parse_task(FEATURE)
    assert task is not None, findings
    assert (task.features["meaning"].source, task.features["meaning"].model) == ("text", "minilm")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ('meaning = "numbers"', 'meaning = "text"', 11, "features.meaning: 'meaning' is not a field of type numbers"),
        ('source = "text"', 'source = "title"', 13, "features.meaning.source: 'title' is not a field of type text"),
        ('source = "text"', 'source = "meaning"', 13, "features.meaning.source: 'meaning' is not a field of type text"),
        ('model = "minilm"', 'model = "minilm"\ndigest = "1"', 15, "features.meaning.digest: String should match"),
    ],
)
def test_says_what_is_wrong_with_a_feature(old: str, new: str, line: int, message: str) -> None:
    task, findings = parse_task(FEATURE.replace(old, new, 1))
    assert task is None
    assert [item.line for item in findings] == [line]
    assert findings[0].message.startswith(message)


def test_a_long_line_is_no_work_to_find_a_place_in() -> None:
    started = time.process_time()
    task, findings = parse_task(f'[task]\nname = 3\ninstructions = """\n{" " * 200_000}x"""\n')
    assert task is None
    assert findings
    assert time.process_time() - started < 2.0


def labeled(*labels: str) -> Task:
    lines = (f'"{"".join(f"{chr(92)}U{ord(char):08x}" for char in label)}" = ""' for label in labels)
    text = TASK.replace('ok = "healthy"\nworn = "a bearing is worn"', "\n".join(lines))
    task, findings = parse_task(text)
    assert task, findings
    return task


@pytest.mark.parametrize(
    "label",
    ["\x1b[31mred", "a\tb", "a\u200bb", "a\u202eb", "a\u2028b", "a\u00adb", "a\u3164b", "a\U000e0041b", "a\u0085b"],
)
def test_a_label_with_a_character_that_nobody_sees_is_named(label: str) -> None:
    (finding,) = label_findings(labeled(label, "ham"))
    assert finding.code == "LW102"
    assert f"{next(char for char in label if char not in '[31mredab')!a}, which nobody sees" in finding.message
    assert finding.message.isprintable()


@pytest.mark.parametrize("twin", ["SPAM", "\uff53pam", "\u017fpam", "\U0001d42cpam"])
def test_labels_that_are_the_same_but_for_their_letters_are_named(twin: str) -> None:
    (finding,) = label_findings(labeled("spam", "ham", twin))
    assert finding.code == "LW102"
    assert "the same as 'spam'" in finding.message


def test_labels_of_any_script_are_right() -> None:
    assert not label_findings(
        labeled("Größe", "größer", "日本語", "हिन्दी", "عربى", "❤️ like", "a b", "a_b", "C++", "50 %")
    )
