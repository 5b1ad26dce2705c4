"""Which records to label next: the choice alone, and the command on the spam example."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from labelwright.cli.labeling.next_rows import Candidate, choose_next

from tests.parts.command import Command
from tests.parts.example_bundles import CHAT, PRIZE, SPAM
from tests.parts.repository import EXAMPLES
from tests.parts.row_files import UNLABELED, rows_of, write_rows

COMMAND = Command("127.0.0.1:9", "127.0.0.1:9")


def candidate(label: str | None, probability: float = 0.9, **votes: int) -> Candidate:
    return Candidate({}, label, probability, tuple(Counter(votes).most_common()))


def test_each_reason_names_the_row_that_fits_it_best() -> None:
    close, clear = candidate("a", 0.6, a=3, b=2), candidate("a", 0.9, a=9, b=1)
    unsure, silent = candidate("a", 0.5, a=1), candidate(None, 0.0)
    sure = [candidate("b", 0.99, b=5) for _ in range(20)]
    chosen = choose_next([clear, close, unsure, silent, *sure], 3, seed=0)
    assert [(item.candidate, item.reason) for item in chosen[:2]] == [(close, "disputed"), (silent, "unsure")]
    assert [item.why for item in chosen[:2]] == ["3 programs say a, 2 b", "no program votes for a label"]
    assert chosen[2].reason == "varied"


def test_confusions_of_the_same_two_labels_do_not_crowd_out_others() -> None:
    rows = [candidate("a", 0.5, a=2, b=2) for _ in range(30)] + [candidate("c", 0.8, c=4, d=2)]
    assert rows[30] in [item.candidate for item in choose_next(rows, 4, seed=0)]
    assert [item.candidate for item in choose_next(rows, 1, seed=0)] == [rows[0]]


candidates = st.lists(
    st.builds(
        candidate, st.sampled_from(["a", "b", None]), st.floats(0, 1), a=st.integers(0, 3), b=st.integers(0, 3)
    ).map(lambda row: Candidate(row.columns, row.label, row.probability, tuple(v for v in row.votes if v[1]))),
    max_size=12,
)


@given(candidates, st.integers(1, 15), st.integers(0, 5))
def test_no_row_is_named_twice_and_as_many_as_there_are(rows: list[Candidate], count: int, seed: int) -> None:
    chosen = choose_next(rows, count, seed)
    assert len({id(item.candidate) for item in chosen}) == len(chosen) == min(count, len(rows))
    assert all(item.why for item in chosen)
    assert choose_next(rows, count, seed) == chosen


def written(value: object) -> object:
    """Return a number or a list of them as CSV has it."""
    return json.dumps(value) if isinstance(value, float | list) else value


def next_of(path: Path, *more: object) -> tuple[list[dict[str, Any]], str]:
    result = COMMAND("next", SPAM, "--input", path, *more)
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def test_the_command_names_rows_with_their_columns_and_reasons() -> None:
    rows, said = next_of(UNLABELED, "--count", 30)
    originals = {row["id"]: row for row in rows_of(UNLABELED)}
    assert all({name: row[name] for name in originals[row["id"]]} == originals[row["id"]] for row in rows)
    assert {row["next"]["reason"] for row in rows} == {"disputed", "unsure", "varied"}
    assert len(rows) == 30
    assert "30 of" in said


def test_gold_rows_equal_records_and_faulty_rows_are_left_out(tmp_path: Path) -> None:
    gold = rows_of(SPAM / "gold.jsonl")[0]
    source = write_rows(
        tmp_path / "in.jsonl", [{"text": gold["text"]}, {"text": CHAT}, {"text": CHAT}, {"text": PRIZE}, {"text": 7}]
    )
    rows, said = next_of(source)
    assert sorted(row["text"] for row in rows) == sorted([CHAT, PRIZE])
    assert "1 that are gold already" in said
    assert "1 that cannot be labeled" in said


def test_a_gold_row_is_known_however_its_numbers_are_written(tmp_path: Path) -> None:
    bundle = EXAMPLES / "sensors" / "bundle"
    gold = rows_of(bundle / "gold.jsonl")[:5]
    texts = [{name: written(value) for name, value in row.items()} for row in gold]
    result = COMMAND("next", bundle, "--input", write_rows(tmp_path / "in.jsonl", texts))
    assert result.stdout == ""
    assert "5 that are gold already" in result.stderr


def test_a_file_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"Text": "hi"}] * 100)
    assert "field 'text' is missing" in COMMAND("next", SPAM, "--input", source, exits=2).stderr
