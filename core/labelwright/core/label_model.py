"""Label models: from the votes on one record to one label and a probability.

Fitting happens elsewhere and offline; ``label_model.json`` holds what evaluation needs. This module alone evaluates,
online and offline, so both give the same numbers.

The weighted model is naive Bayes over votes: ``score(y) = log prior(y) + sum over programs of log P(vote | y)``,
normalized with softmax. A weighted vote, Dawid-Skene and triplet models all end in this form. Abstentions and
errors are missing votes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, Protocol

from labelwright.core.finding import Finding, Severity
from labelwright.core.text.json_text import parse_json
from labelwright.core.vote import ABSTAIN, is_label
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Setting
from typing_extensions import override

LABEL_MODEL_FILE = "label_model.json"
_CACHED_PATTERNS = 4096
_ADVICE = "labelwright fit DIR fits it to the programs as they are; without the file the majority decides"


@dataclass(frozen=True, slots=True)
class Decision:
    """The label's index in the task and its probability; ``ABSTAIN`` and 0.0 for an abstention."""

    label: int
    probability: float


NO_DECISION = Decision(ABSTAIN, 0.0)


class LabelModel(Protocol):
    """Turns votes into a decision. Pure: the same votes give the same decision."""

    def decide(self, votes: tuple[int, ...]) -> Decision:
        """``votes`` holds one vote a program, in the order of the version's programs."""
        ...

    def distribution(self, votes: tuple[int, ...]) -> Mapping[int, float]:
        """Return the probability of each label, by its index; of labels that are not there it is 0.

        They sum to 1, whether ``decide`` abstains or not. Where no program voted there are none. That of the label
        that ``decide`` gives is the same number.
        """
        ...


class MajorityVote(LabelModel):
    """The label with the most votes; its probability is its share of them. A tie abstains."""

    @override
    def decide(self, votes: tuple[int, ...]) -> Decision:
        counts = _counts(votes)
        if not counts:
            return NO_DECISION
        best = max(counts.values())
        winners = [label for label, count in counts.items() if count == best]
        return Decision(winners[0], best / sum(counts.values())) if len(winners) == 1 else NO_DECISION

    @override
    def distribution(self, votes: tuple[int, ...]) -> Mapping[int, float]:
        counts = _counts(votes)
        return {label: count / sum(counts.values()) for label, count in counts.items()}


def _counts(votes: tuple[int, ...]) -> dict[int, int]:
    """Return how many votes each label has, of those that have any."""
    counts: dict[int, int] = {}
    for vote in votes:
        if is_label(vote):
            counts[vote] = counts.get(vote, 0) + 1
    return counts


class WeightedVote:
    """Naive Bayes over votes, from log-likelihoods.

    ``log_prior`` has one entry a label; ``log_likelihood[program][vote][label]`` is log P(vote | label).
    Abstains where no program voted, or where the best probability is below ``min_probability``.
    """

    def __init__(
        self,
        log_prior: Sequence[float],
        log_likelihood: Sequence[Sequence[Sequence[float]]],
        min_probability: float = 0.0,
    ) -> None:
        self._log_prior = tuple(log_prior)
        self._log_likelihood = log_likelihood
        self._min_probability = min_probability
        # Real traffic repeats few vote patterns; a hit costs a tenth of a microsecond.
        self.decide = lru_cache(maxsize=_CACHED_PATTERNS)(self._decide)

    def __reduce__(self) -> tuple[type[WeightedVote], tuple[object, ...]]:
        """Return what pickle makes it of: bundles go between processes, and a cache cannot."""
        return WeightedVote, (self._log_prior, self._log_likelihood, self._min_probability)

    def distribution(self, votes: tuple[int, ...]) -> Mapping[int, float]:
        """Return the probability of each label, none where no program voted; see LabelModel."""
        scores = list(self._log_prior)
        voted = False
        for table, vote in zip(self._log_likelihood, votes, strict=True):
            if is_label(vote):
                voted = True
                scores = [score + term for score, term in zip(scores, table[vote], strict=True)]
        if not voted:
            return {}
        best = max(scores)
        raised = [math.exp(score - best) for score in scores]
        total = math.fsum(raised)
        return {label: value / total for label, value in enumerate(raised)}

    def _decide(self, votes: tuple[int, ...]) -> Decision:
        shares = self.distribution(votes)
        if not shares:
            return NO_DECISION
        label = max(shares, key=lambda label: shares[label])
        return Decision(label, shares[label]) if shares[label] >= self._min_probability else NO_DECISION


class _WeightedFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["weighted"]
    method: str = ""
    """How it was fitted: "weighted", "dawid_skene", "triplet" ... For people; evaluation does not read it."""
    prior: dict[str, Annotated[float, Setting(gt=0, le=1)]]
    """Probability of each label."""
    likelihood: dict[str, dict[str, dict[str, Annotated[float, Setting(gt=0, le=1)]]]]
    """``likelihood[program][vote][label]``: probability that the program votes so where ``label`` is right."""
    programs: dict[str, str] = {}
    """The digest of each program as it was when the model was fitted; empty where that is not known."""
    min_probability: Annotated[float, Setting(ge=0, le=1)] = 0.0


class _MajorityFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["majority"]


class _File(BaseModel):
    model: Annotated[_WeightedFile | _MajorityFile, Setting(discriminator="kind")]


def parse_label_model(
    text: str, labels: Sequence[str], programs: Mapping[str, str]
) -> tuple[LabelModel | None, list[Finding]]:
    """Return the model that ``label_model.json`` holds for these labels and programs, and what is wrong with it.

    ``programs`` has each program's digest by its name, in voting order.
    """
    parsed, problems = _parse(text)
    if parsed is None:
        return None, problems
    if isinstance(parsed, _MajorityFile):
        return MajorityVote(), []
    problems = _mismatches(parsed, labels, programs)
    changed = _stale(_changes(parsed, programs))
    if problems:
        return None, problems + changed
    return WeightedVote(
        [math.log(parsed.prior[label]) for label in labels],
        [
            [[math.log(parsed.likelihood[program][vote][label]) for label in labels] for vote in labels]
            for program in programs
        ],
        parsed.min_probability,
    ), changed


@dataclass(frozen=True, slots=True)
class ProgramChanges:
    """By name, how programs differ from those that a label model was fitted to."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EarlierFit:
    """What a label model keeps where it is fitted again, and how the programs differ by then."""

    changes: ProgramChanges
    min_probability: float


def earlier_fit(text: str, programs: Mapping[str, str]) -> EarlierFit | None:
    """Return what ``label_model.json`` tells of its fit; ``programs`` has the present digests by name.

    None where it was fitted to no programs: the text is no label model, or majority vote.
    """
    parsed, _ = _parse(text)
    if not isinstance(parsed, _WeightedFile):
        return None
    return EarlierFit(_changes(parsed, programs), parsed.min_probability)


def dump_weighted(
    labels: Sequence[str],
    programs: Mapping[str, str],
    prior: Sequence[float],
    likelihood: Sequence[Sequence[Sequence[float]]],
    *,
    method: str,
    min_probability: float = 0.0,
) -> str:
    """Return the text of ``label_model.json``; ``likelihood[program][vote][label]`` are probabilities.

    ``programs`` has each program's digest by its name, in the order of ``likelihood``.
    """
    return json.dumps(
        {
            "kind": "weighted",
            "method": method,
            "prior": dict(zip(labels, prior, strict=True)),
            "likelihood": {
                program: {vote: dict(zip(labels, row, strict=True)) for vote, row in zip(labels, table, strict=True)}
                for program, table in zip(programs, likelihood, strict=True)
            },
            "programs": dict(programs),
            "min_probability": min_probability,
        },
        indent=2,
        ensure_ascii=False,
    )


def _parse(text: str) -> tuple[_WeightedFile | _MajorityFile | None, list[Finding]]:
    try:
        return _File.model_validate({"model": parse_json(text)}).model, []
    except ValidationError as error:
        return None, [_finding(f"{_place(item['loc'])}: {item['msg']}") for item in error.errors()]
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 0
        return None, [_finding(f"not valid JSON: {error}", line)]


def _mismatches(parsed: _WeightedFile, labels: Sequence[str], programs: Mapping[str, str]) -> list[Finding]:
    changes = _changes(parsed, programs)
    problems = _differences("prior", parsed.prior, labels)
    problems += [
        _finding(f"likelihood lacks the program {name!r}: it was added since the fit") for name in changes.added
    ]
    problems += [
        _finding(f"likelihood has the program {name!r}: it was removed since the fit") for name in changes.removed
    ]
    for program, table in parsed.likelihood.items():
        problems += _differences(f"likelihood.{program}", table, labels)
        for vote, row in table.items():
            problems += _differences(f"likelihood.{program}.{vote}", row, labels)
    return problems


def _changes(parsed: _WeightedFile, programs: Mapping[str, str]) -> ProgramChanges:
    fitted = parsed.likelihood
    return ProgramChanges(
        tuple(
            name for name, digest in programs.items() if name in fitted and parsed.programs.get(name, digest) != digest
        ),
        tuple(name for name in programs if name not in fitted),
        tuple(name for name in fitted if name not in programs),
    )


def _stale(changes: ProgramChanges) -> list[Finding]:
    if not changes.changed:
        return []
    text = f"programs were changed since the fit, and their weights were not: {', '.join(changes.changed)}"
    return [Finding(LABEL_MODEL_FILE, 0, "LW131", text, _ADVICE, Severity.WARNING)]


def _differences(place: str, present: Mapping[str, object], wanted: Sequence[str]) -> list[Finding]:
    missing = [_finding(f"{place} lacks {name!r}") for name in wanted if name not in present]
    return missing + [_finding(f"{place} has the unknown {name!r}") for name in present if name not in wanted]


def _place(location: tuple[int | str, ...]) -> str:
    """Return the place of an error in the file, without the keys of the models that parse it."""
    return ".".join(str(part) for part in location[2:]) or "the file"


def _finding(message: str, line: int = 0) -> Finding:
    return Finding(LABEL_MODEL_FILE, line, "LW111", message, _ADVICE)
