"""What gold rows and unlabeled records alone are worth, on real sets: served labels against a classic classifier."""

from __future__ import annotations

import numpy as np
import pytest
from labelwright.core.row import Row, parse_rows
from labelwright.core.task import Task
from labelwright.synthesis.combining.ensemble import Ingredients, build_ensemble
from labelwright.synthesis.pilot.baselines import commonest_label, tfidf_labels
from labelwright.synthesis.rows import Rows, labels_of, records_of
from labelwright.synthesis.statistics.label_models import decide
from labelwright.synthesis.writing.voting import cast_votes

from tests.parts.repository import DATA
from tests.synthesis.tasks import make_task

LABELS = {
    "sms": ("ham", "spam"),
    "youtube": ("ham", "spam"),
    "imdb_sentences": ("negative", "positive"),
    "agnews": ("world", "sports", "business", "technology"),
}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not here")


def read(task: Task, name: str, part: str) -> list[Row]:
    text = (DATA / name / f"{part}.jsonl").read_text(encoding="utf-8")
    rows, findings = parse_rows(task, text, part, labeled=part != "unlabeled")
    assert not findings
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("name", LABELS)
def test_the_student_is_not_beaten_by_tfidf_on_the_same_gold_rows(sandbox, name):
    task = make_task("[labels]\n" + "".join(f'{label} = ""\n' for label in LABELS[name]) + '[fields]\ntext = "text"')
    gold, records, test = (read(task, name, part) for part in ("gold", "unlabeled", "test"))
    rows = Rows(task, records_of(records), gold)
    unknown, unknown_gold = (np.full((len(part), rows.label_count), np.nan) for part in (records, gold))
    ensemble = build_ensemble(sandbox, Ingredients(rows, [], unknown, unknown_gold), seed=0)
    votes = cast_votes(sandbox, task, ensemble.programs, records_of(test))
    given, _ = decide(ensemble.choice.fit, votes, rows.label_count)
    truth, gold_labels = labels_of(test), rows.gold_labels
    texts = [[str(row.record[0]) for row in rows] for rows in (gold, test)]
    accuracy = (given == truth).mean()
    assert accuracy > (truth == commonest_label(gold_labels)).mean() + 0.05
    assert accuracy >= (tfidf_labels(texts[0], gold_labels, texts[1]) == truth).mean()
