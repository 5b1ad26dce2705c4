"""Two bundles beside gold: which changed rows became right."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM
from tests.parts.row_files import rows_of, write_rows


def test_changed_rows_became_right_or_wrong_where_gold_knows(tmp_path: Path) -> None:
    command = Command("127.0.0.1:9", "127.0.0.1:9")
    worse = tmp_path / "worse"
    shutil.copytree(SPAM, worse, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("small_talk", "shady_link"):
        (worse / "programs" / f"{name}.py").unlink()
    gold = rows_of(SPAM / "gold.jsonl")
    rows = [*gold[:-5], *({**row, "label": [row["label"]]} for row in gold[-5:])]
    source = write_rows(tmp_path / "rows.jsonl", [*rows, {"text": "unlabeled"}])
    given = []
    for bundle in (SPAM, worse):
        output = tmp_path / f"{bundle.name}.jsonl"
        command("label", "--local", bundle, "--input", source, "--output", output)
        given.append([row["label"] for row in rows_of(output)][:-6])
    truth = [row["label"] for row in gold][:-5]
    became_wrong = sum(was == right != now for was, now, right in zip(*given, truth, strict=True))
    became_right = sum(was != right == now for was, now, right in zip(*given, truth, strict=True))
    document = command.json("diff", SPAM, worse, "--records", source, "--limit", "500")["labels"]
    assert document["known"] == len(truth), "a list is no label, and one row has none"
    assert (document["became_right"], document["became_wrong"]) == (became_right, became_wrong) == (0, 1)
    shown = command("diff", SPAM, worse, "--records", source).stdout
    assert (
        f"of {len(truth)} rows with a right label, {became_right} became right and {became_wrong} became wrong" in shown
    )
    assert "became wrong " in shown
