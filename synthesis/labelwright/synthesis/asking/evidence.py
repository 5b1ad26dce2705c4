"""What the data-aware strategies show: records chosen for what an LLM can learn from them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from labelwright.core.record import Record
from labelwright.synthesis.arrays import Labels, Votes
from labelwright.synthesis.asking.record_text import joined_texts, one_line
from labelwright.synthesis.asking.strategies import Strategy
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.text.scripts import puts_no_spaces
from labelwright.synthesis.text.words import HAN, grams, plain, shape_of

# What is shown is kept short: a prompt is paid for with each program, and small models lose the question in a long one.
_LINE_CHARACTERS = 200
_SAMPLE = 12
_PAIRS = 5
_DISPUTED = 10
_VOCABULARY = 60
_WORD_RECORDS = 6
_WORD_CHARACTERS = 140
_POOL = 120
"""Records that a varied sample is chosen from: comparing takes time in proportion to this times the sample's size."""
_COMMONEST = 240
"""Words that the vocabulary is drawn from: several prompts' worth, so that another seed shows others."""
_TOO_COMMON = 0.15
"""Share of records from which on a word is taken to be filler."""
# Of a text's shape: a word, or a run of letters without spaces.
_WORD = re.compile(r"[a-z][a-zM]+|H[HM]+")
_SHORTEST_WORD = 3
"""Shorter ones are mostly filler where words have spaces between them."""
# A word of such a run ends where the script changes, mostly; what is longer than six letters is more than one word.
_ONE_SCRIPT = re.compile(f"[{HAN}]+|[\u30a1-\u30fc]+|[^{HAN}\u30a1-\u30fc]+")
_LONGEST_WORD = 6


@dataclass(frozen=True, slots=True)
class VotedRows(Rows):
    """Rows with the votes of the programs so far: rows x programs."""

    record_votes: Votes
    gold_votes: Votes


@dataclass(frozen=True, slots=True)
class PromptEvidence:
    """Values for a strategy's template, and which gold rows they give away."""

    values: dict[str, object]
    shown_gold: frozenset[int] = frozenset()


def gather(strategy: Strategy, rows: VotedRows, seed: int) -> PromptEvidence:
    """Return what the strategy shows. The same arguments give the same."""
    rng = np.random.default_rng(seed)
    match strategy.name:
        case "sample":
            sample = varied_sample(rows, rng)
            return PromptEvidence({"records": [_line(rows, rows.records[index]) for index in sample]})
        case "vocabulary":
            return PromptEvidence({"words": vocabulary(rows, rng)})
        case "similar":
            return _similar(rows, rng)
        case "disputed":
            return _disputed(rows, rng)
        case _:
            return PromptEvidence({})


def gather_words(strategy: Strategy, rows: VotedRows, label: int, seed: int) -> PromptEvidence:
    """Return what a strategy by words shows for one label: some of its gold rows, the missed ones first."""
    if "gold" not in strategy.needs:
        return PromptEvidence({})
    rng = np.random.default_rng(seed * rows.label_count + label)
    own = [index for index, row in enumerate(rows.gold) if row.label == label]
    order = [own[int(number)] for number in rng.permutation(len(own))]
    if strategy.name == "words_missed":
        order.sort(key=lambda index: commonest_vote(rows.gold_votes[index], rows.label_count) == label)
    indexes = order[:_WORD_RECORDS]
    lines = [one_line(rows.task, rows.gold[index].record, _WORD_CHARACTERS) for index in indexes]
    return PromptEvidence({"records": lines}, frozenset(indexes))


def varied_sample(rows: VotedRows, rng: np.random.Generator) -> list[int]:
    """Return records that differ from each other: each next one has least in common with those chosen before."""
    pool = [int(index) for index in rng.permutation(len(rows.records))[:_POOL]]
    features = {index: _features(rows, rows.records[index]) for index in pool}
    sample = pool[:1]
    while pool and len(sample) < min(_SAMPLE, len(pool)):
        rest = [index for index in pool if index not in sample]
        sample.append(min(rest, key=lambda index: max(_similarity(features[index], features[one]) for one in sample)))
    return sample


def vocabulary(rows: VotedRows, rng: np.random.Generator) -> list[str]:
    """Return words that are common in the records, but not in so many of them that they are filler."""
    counts: Counter[str] = Counter()
    for record in rows.records:
        # A set would list equally common words in another order in each process, and the prompt would be paid for anew.
        counts.update(list(dict.fromkeys(_words(rows, record))))
    limit = max(2, _TOO_COMMON * len(rows.records))
    common = [word for word, count in counts.most_common() if count <= limit][:_COMMONEST]
    if len(common) <= _VOCABULARY:
        return common
    return [common[index] for index in sorted(rng.choice(len(common), _VOCABULARY, replace=False))]


def _similar(rows: VotedRows, rng: np.random.Generator) -> PromptEvidence:
    """Return pairs of gold rows that have most in common and differ in their label."""
    gold = rows.gold
    features = [_features(rows, row.record) for row in gold]
    indexes: list[int] = []
    for index in (int(number) for number in rng.permutation(len(gold))):
        others = [other for other, row in enumerate(gold) if row.label != gold[index].label and other not in indexes]
        if index in indexes or not others:
            continue
        nearest = max(others, key=lambda other: _similarity(features[index], features[other]))
        indexes += [index, nearest]
        if len(indexes) >= 2 * _PAIRS:
            break
    return PromptEvidence({"examples": [_labeled_line(rows, index) for index in indexes]}, frozenset(indexes))


def _disputed(rows: VotedRows, rng: np.random.Generator) -> PromptEvidence:
    """Return gold rows that the programs get wrong or leave out; where these are few, such unlabeled records too."""
    wrong = [
        index
        for index, row in enumerate(rows.gold)
        if commonest_vote(rows.gold_votes[index], rows.label_count) != row.label
    ]
    indexes = [wrong[int(number)] for number in rng.permutation(len(wrong))[:_DISPUTED]]
    lines = [_labeled_line(rows, index) for index in indexes]
    if len(lines) < _DISPUTED:
        votes = rows.record_votes
        doubtful = [index for index in range(len(votes)) if commonest_vote(votes[index], rows.label_count) < 0]
        more = rng.permutation(len(doubtful))[: _DISPUTED - len(lines)]
        lines += [{"label": "", "text": _line(rows, rows.records[doubtful[int(number)]])} for number in more]
    return PromptEvidence({"disputed": lines}, frozenset(indexes))


def commonest_vote(votes: Labels, labels: int) -> int:
    """Return the label with the most votes; -1 where there is no vote or a tie."""
    counts = np.bincount(votes[votes >= 0], minlength=labels)
    best = int(counts.argmax())
    return best if counts[best] and (counts == counts[best]).sum() == 1 else -1


def _labeled_line(rows: Rows, index: int) -> dict[str, str]:
    row = rows.gold[index]
    label = rows.task.label_names[row.label] if row.label is not None else ""
    return {"label": label, "text": _line(rows, row.record)}


def _line(rows: Rows, record: Record) -> str:
    return one_line(rows.task, record, _LINE_CHARACTERS)


def _words(rows: Rows, record: Record) -> list[str]:
    text = plain(joined_texts(rows.task, record))
    runs = [text[found.start() : found.end()] for found in _WORD.finditer(shape_of(text))]
    if puts_no_spaces([text]):
        return [word for run in runs for word in _parts(run)]
    return [run for run in runs if len(run) >= _SHORTEST_WORD]


def _parts(run: str) -> list[str]:
    """Return what may be words of a run without spaces."""
    return [
        word
        for part in _ONE_SCRIPT.findall(run)
        for word in ([part] if len(part) <= _LONGEST_WORD else grams(part, shape_of(part)))
        if len(word) > 1
    ]


def _features(rows: Rows, record: Record) -> frozenset[str]:
    """Return the record's words, or where it has no text the rounded values of its fields."""
    return frozenset(_words(rows, record) or _line(rows, record).split("; "))


def _similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Return Jaccard's coefficient, 0 to 1."""
    return len(one & other) / len(one | other) if one or other else 1.0
