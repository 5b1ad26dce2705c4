"""Makes the records of the examples anew: ``python examples/generate.py``. The same seed gives the same files.

For each task: ``unlabeled.jsonl`` and, for scoring only, ``answers.jsonl`` beside the bundle; ``gold.jsonl`` and
``sample.jsonl`` inside it. All lie in ``task`` where no programs are written yet. Where the task asks for a weighted
label model, that is fitted on the gold rows.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from making import inspections, sensors, spam, tickets, weights

SEED = 20_240_711
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Example:
    """One task: what makes its rows (with their label), and how many."""

    name: str
    make: Callable[[random.Random], dict[str, object]]
    unlabeled: int
    gold: int
    sample: int
    weighted: bool = False


EXAMPLES = (
    Example("spam", spam.make, unlabeled=500, gold=90, sample=150),
    Example("tickets", tickets.make, unlabeled=400, gold=100, sample=150, weighted=True),
    Example("sensors", sensors.make, unlabeled=400, gold=80, sample=150),
    Example("inspections", inspections.make, unlabeled=900, gold=100, sample=500),
)


def main() -> None:
    """Write every example's files."""
    for example in EXAMPLES:
        _write(example)


def _write(example: Example) -> None:
    rng = random.Random(f"{SEED} {example.name}")  # noqa: S311 - made-up records, nothing secret
    rows = _distinct(example, rng)
    folder = HERE / example.name
    bundle = folder / "bundle"
    gold = [next(rows) for _ in range(example.gold)]
    sample = [next(rows) for _ in range(example.sample)]
    unlabeled = [next(rows) for _ in range(example.unlabeled)]
    _write_rows(bundle / "gold.jsonl", gold)
    _write_rows(bundle / "sample.jsonl", map(_without_label, sample))
    _write_rows(folder / "unlabeled.jsonl", map(_without_label, unlabeled))
    _write_rows(folder / "answers.jsonl", ({"id": row["id"], "label": row["label"]} for row in unlabeled))
    if example.weighted:
        weights.write(bundle)


def _distinct(example: Example, rng: random.Random) -> Iterator[dict[str, object]]:
    """Yield rows of which no two are equal but for their id."""
    seen: set[str] = set()
    while True:
        row = example.make(rng)
        content = json.dumps(_without_label(row))
        if content not in seen:
            seen.add(content)
            yield {"id": f"{example.name}-{len(seen):04}", **row}


def _without_label(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "label"}


def _write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
