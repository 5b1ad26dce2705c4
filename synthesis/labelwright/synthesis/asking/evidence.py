"""What the data-aware strategies show: records chosen for what an LLM can learn from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from labelwright.core.record import Record
from labelwright.core.row import Row
from labelwright.core.task import FieldType, Task
from labelwright.synthesis.asking.record_text import one_line
from labelwright.synthesis.asking.strategies import Strategy

Votes = npt.NDArray[np.int64]

_LINE_CHARACTERS = 200
_SAMPLE = 12
_POOL = 120
_PAIRS = 5
_WORD_RECORDS = 6
_WORD_CHARACTERS = 140
_DISPUTED = 10
_VOCABULARY = 60
_COMMONEST = 240
_TOO_COMMON = 0.15
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to show. The votes are those of the programs so far: [records x programs], -1 for none."""

    task: Task
    records: Sequence[Record]
    gold: Sequence[Row]
    record_votes: Votes
    gold_votes: Votes


@dataclass(frozen=True, slots=True)
class Evidence:
    """Values for a strategy's template, and which gold rows they give away."""

    values: dict[str, object]
    shown_gold: frozenset[int] = frozenset()


def gather(strategy: Strategy, material: Material, seed: int) -> Evidence:
    """Return what the strategy shows. The same arguments give the same."""
    rng = np.random.default_rng(seed)
    match strategy.name:
        case "sample":
            chosen = varied_sample(material, rng)
            return Evidence({"records": [_line(material, material.records[index]) for index in chosen]})
        case "vocabulary":
            return Evidence({"words": vocabulary(material, rng)})
        case "similar":
            return _similar(material, rng)
        case "disputed":
            return _disputed(material, rng)
        case _:
            return Evidence({})


def gather_words(strategy: Strategy, material: Material, label: int, seed: int) -> Evidence:
    """Return what a strategy by words shows for one label: some of its gold rows, the missed ones first."""
    if "gold" not in strategy.needs:
        return Evidence({})
    rng = np.random.default_rng(seed * len(material.task.labels) + label)
    own = [index for index, row in enumerate(material.gold) if row.label == label]
    order = [own[int(number)] for number in rng.permutation(len(own))]
    if strategy.name == "words_missed":
        labels = len(material.task.labels)
        order.sort(key=lambda index: commonest_vote(material.gold_votes[index], labels) == label)
    shown = order[:_WORD_RECORDS]
    lines = [one_line(material.task, material.gold[index].record, _WORD_CHARACTERS) for index in shown]
    return Evidence({"records": lines}, frozenset(shown))


def varied_sample(material: Material, rng: np.random.Generator) -> list[int]:
    """Return records that differ from each other: each next one has least in common with those chosen before."""
    pool = [int(index) for index in rng.permutation(len(material.records))[:_POOL]]
    features = {index: _features(material, material.records[index]) for index in pool}
    chosen = pool[:1]
    while pool and len(chosen) < min(_SAMPLE, len(pool)):
        rest = [index for index in pool if index not in chosen]
        chosen.append(min(rest, key=lambda index: max(_alike(features[index], features[other]) for other in chosen)))
    return chosen


def vocabulary(material: Material, rng: np.random.Generator) -> list[str]:
    """Return words that are common in the records, without those that are in every sixth one: they tell nothing."""
    counts: Counter[str] = Counter()
    for record in material.records:
        # A set would list equally common words in another order in each process, and the prompt would be paid for anew.
        counts.update(list(dict.fromkeys(_WORD.findall(_text(material.task, record).lower()))))
    limit = max(2, _TOO_COMMON * len(material.records))
    common = [word for word, count in counts.most_common() if count <= limit][:_COMMONEST]
    if len(common) <= _VOCABULARY:
        return common
    return [common[index] for index in sorted(rng.choice(len(common), _VOCABULARY, replace=False))]


def _similar(material: Material, rng: np.random.Generator) -> Evidence:
    """Pairs of gold rows that have most in common and differ in their label."""
    gold = material.gold
    features = [_features(material, row.record) for row in gold]
    shown: list[int] = []
    for index in (int(number) for number in rng.permutation(len(gold))):
        others = [other for other, row in enumerate(gold) if row.label != gold[index].label and other not in shown]
        if index in shown or not others:
            continue
        nearest = max(others, key=lambda other: _alike(features[index], features[other]))
        shown += [index, nearest]
        if len(shown) >= 2 * _PAIRS:
            break
    return Evidence({"examples": [_labeled(material, index) for index in shown]}, frozenset(shown))


def _disputed(material: Material, rng: np.random.Generator) -> Evidence:
    """Gold rows that the programs get wrong or leave out; where these are few, such unlabeled records."""
    wrong = [
        index
        for index, row in enumerate(material.gold)
        if commonest_vote(material.gold_votes[index], len(material.task.labels)) != row.label
    ]
    shown = [wrong[int(number)] for number in rng.permutation(len(wrong))[:_DISPUTED]]
    lines: list[dict[str, str]] = [_labeled(material, index) for index in shown]
    if len(lines) < _DISPUTED:
        votes = material.record_votes
        doubtful = [index for index in range(len(votes)) if commonest_vote(votes[index], len(material.task.labels)) < 0]
        more = rng.permutation(len(doubtful))[: _DISPUTED - len(lines)]
        lines += [{"label": "", "text": _line(material, material.records[doubtful[int(number)]])} for number in more]
    return Evidence({"disputed": lines}, frozenset(shown))


def commonest_vote(votes: npt.NDArray[np.int64], labels: int) -> int:
    """Return the label with the most votes; -1 where there is no vote or a tie."""
    counts = np.bincount(votes[votes >= 0], minlength=labels)
    best = int(counts.argmax())
    return best if counts[best] and (counts == counts[best]).sum() == 1 else -1


def _labeled(material: Material, index: int) -> dict[str, str]:
    row = material.gold[index]
    label = material.task.label_names[row.label] if row.label is not None else ""
    return {"label": label, "text": _line(material, row.record)}


def _line(material: Material, record: Record) -> str:
    return one_line(material.task, record, _LINE_CHARACTERS)


def _text(task: Task, record: Record) -> str:
    """Return the record's texts in one."""
    return " ".join(
        value
        for field, value in zip(task.fields.values(), record, strict=True)
        if field.type is FieldType.TEXT and isinstance(value, str)
    )


def _features(material: Material, record: Record) -> frozenset[str]:
    """Return the record's words, or where it has no text the rounded values of its fields."""
    words = _WORD.findall(_text(material.task, record).lower())
    return frozenset(words or one_line(material.task, record, _LINE_CHARACTERS).split("; "))


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard similarity, 0 to 1."""
    return len(one & other) / len(one | other) if one or other else 1.0
