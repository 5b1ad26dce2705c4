from __future__ import annotations

import pytest
from labelwright.core.task import FieldType, parse_task
from labelwright.synthesis.asking.concepts import Concept, ask_concepts, read_concepts, suggest_fields

from tests.synthesis.scripted import scripted_provider
from tests.synthesis.tasks import make_task

BIRDS = '[labels]\nwaterbird = "lives on water"\nlandbird = "lives on land"\n[fields]\nphoto = "bytes"'
ANSWER = """Here are the concepts:
1. **Webbed feet**: skin between the toes, speaks for "waterbird"
2. Long legs: legs for wading; waterbird
- curved beak: a hooked beak, speaks for landbird
Waterbird: the label itself
photo: a field that is there
Webbed Feet: said twice
A line without a name
a name that is really a whole sentence about the birds in the picture: no
!!!: nothing
"""


def test_the_llm_names_what_to_measure() -> None:
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return ANSWER

    provider = scripted_provider(answer)
    concepts = ask_concepts(provider, make_task(BIRDS))
    assert [item.name for item in concepts] == ["webbed_feet", "long_legs", "curved_beak"]
    assert concepts[0].description == "skin between the toes, speaks for waterbird"
    assert "lives on water" in asked[0]
    assert provider.ledger.spent().calls == 1


def test_the_suggestion_makes_a_task() -> None:
    concepts = [*read_concepts(make_task(BIRDS), ANSWER), Concept("odd", 'says "so" \\ and\u2028more')]
    text = f'[task]\nname = "birds"\ninstructions = "i"\n{BIRDS}\n{suggest_fields(concepts)}'
    task, findings = parse_task(text)
    assert task is not None, findings
    assert task.fields["webbed_feet"].type is FieldType.NUMBER
    assert task.fields["odd"].description == concepts[-1].description


@pytest.mark.parametrize("answer", ["", "I cannot see pictures.", ":\n: :\n1.:"])
def test_an_answer_without_concepts(answer: str) -> None:
    assert read_concepts(make_task(BIRDS), answer) == []
