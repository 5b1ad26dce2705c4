from __future__ import annotations

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.core.task import Task
from labelwright.synthesis.asking.strategies import STRATEGIES, plan
from labelwright.synthesis.templates import TEMPLATES

from tests.synthesis.tasks import make_task

NUMBERS = make_task('[labels]\nlow = ""\nhigh = ""\n[fields]\nheat = "number"')


def test_every_strategy_has_its_templates() -> None:
    for strategy in STRATEGIES.values():
        assert f"strategy_{strategy.name}.j2" in TEMPLATES
        assert (f"first_{strategy.name}.j2" in TEMPLATES) == strategy.asks_first


def test_the_papers_five_are_there() -> None:
    assert {"plain", "keywords", "heuristics", "descriptions", "examples"} <= STRATEGIES.keys()


@pytest.mark.parametrize("has_gold", [True, False])
def test_a_round_uses_only_what_there_is(reviews: Task, has_gold: bool) -> None:
    for task in (reviews, NUMBERS):
        steps = plan(task, 23, (), has_gold=has_gold)
        assert len(steps) == 23
        needed = frozenset().union(*(step.needs for step in steps))
        assert has_gold or "gold" not in needed
        assert task is reviews or "text" not in needed


def test_chosen_strategies_are_used_in_turn(reviews: Task) -> None:
    assert [step.name for step in plan(reviews, 3, ("plain", "sample"), has_gold=False)] == ["plain", "sample", "plain"]


@pytest.mark.parametrize(
    ("task", "chosen", "said"),
    [(NUMBERS, "keywords", "needs text"), (NUMBERS, "similar", "needs gold"), (NUMBERS, "magic", "no strategy")],
)
def test_strategies_that_cannot_be_used_are_refused(task: Task, chosen: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        plan(task, 3, (chosen,), has_gold=False)
