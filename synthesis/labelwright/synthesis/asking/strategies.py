"""Strategies: the ways of asking for a program.

The first five are those of Huang et al. (arXiv 2407.11004): plain, and four that first ask for something that the
program is then built on. The others show the LLM what the records are like, which the paper's do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labelwright.core.errors import ConfigurationError
from labelwright.core.task import FieldType, Task


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way of asking; docs/synthesis.md says what each does.

    Its prompt is templates/strategy_<name>.j2, and where it asks a question first, that is templates/first_<name>.j2.
    ``needs`` says what it cannot do without: "text" fields, "numbers" fields, or "gold" rows. ``by_words`` asks for
    the words of one label at a time and makes the program of them: small models write better lists than programs.
    """

    name: str
    asks_first: bool = False
    by_words: bool = False
    needs: frozenset[str] = frozenset()


_TEXT = frozenset({"text"})
_GOLD = frozenset({"gold"})

STRATEGIES = {
    strategy.name: strategy
    for strategy in (
        Strategy("plain"),
        Strategy("keywords", asks_first=True, needs=_TEXT),
        Strategy("heuristics", asks_first=True),
        Strategy("descriptions", asks_first=True),
        Strategy("examples", asks_first=True),
        Strategy("concepts", asks_first=True, needs=frozenset({"numbers"})),
        Strategy("similar", needs=_GOLD),
        Strategy("sample"),
        Strategy("vocabulary", needs=_TEXT),
        Strategy("disputed"),
        Strategy("words", by_words=True, needs=_TEXT),
        Strategy("words_seen", by_words=True, needs=_TEXT | _GOLD),
        Strategy("words_missed", by_words=True, needs=_TEXT | _GOLD),
    )
}

# Rounds of ten. With gold rows, most of one asks for words: a small model's own functions cover little, and a program
# that is written around its words always parses (docs/synthesis.md has the figures). What a larger model is best asked
# is to be measured: --strategies.
_ROUND_WITH_GOLD = (
    "words_seen",
    "words_missed",
    "plain",
    "words_missed",
    "words_seen",
    "similar",
    "words_missed",
    "words_seen",
    "keywords",
    "words_missed",
)
_ROUND = (
    "words",
    "plain",
    "keywords",
    "vocabulary",
    "words",
    "heuristics",
    "descriptions",
    "examples",
    "sample",
    "disputed",
)
_ROUND_WITHOUT_TEXT = (
    "plain",
    "concepts",
    "similar",
    "heuristics",
    "disputed",
    "descriptions",
    "sample",
    "concepts",
    "similar",
    "disputed",
)


def has_text(task: Task) -> bool:
    """Whether there is a field of text, in which words can tell labels apart."""
    return bool(task.fields_of(FieldType.TEXT))


def plan(task: Task, count: int, wanted: Sequence[str], *, has_gold: bool) -> list[Strategy]:
    """Return the strategy of each of ``count`` programs: the chosen ones in turn, or a round that fits the task.

    Raises ConfigurationError for an unknown strategy, or one that lacks what it needs.
    """
    available = _available(task, has_gold)
    names = wanted or _default_round(task, has_gold)
    for name in wanted:
        if name not in STRATEGIES:
            raise ConfigurationError(
                f"there is no strategy {ascii(name)[:60]}", advice=f"the strategies: {', '.join(STRATEGIES)}"
            )
        if lacking := STRATEGIES[name].needs - available:
            raise ConfigurationError(
                f"strategy {name!r} needs {' and '.join(sorted(lacking))}, which this task or run does not have"
            )
    fitting = [STRATEGIES[name] for name in names if STRATEGIES[name].needs <= available]
    return [fitting[turn % len(fitting)] for turn in range(count)]


def _default_round(task: Task, has_gold: bool) -> Sequence[str]:
    if not has_text(task):
        return _ROUND_WITHOUT_TEXT
    return _ROUND_WITH_GOLD if has_gold else _ROUND


def _available(task: Task, has_gold: bool) -> frozenset[str]:
    """Return what there is of the things that strategies need."""
    available = set()
    if has_text(task):
        available.add("text")
    if any(field.name not in task.features for field in task.fields_of(FieldType.NUMBER, FieldType.NUMBERS)):
        available.add("numbers")
    if has_gold:
        available.add("gold")
    return frozenset(available)
