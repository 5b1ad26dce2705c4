"""What each part of synthesis is worth: versions made anew with one part left out, from kept replies, no LLM asked.

``python tools/ablation.py TASK_DIR DATA_DIR --replies FILE [--seeds 0,1,2] [--direct-labels 300]`` prints a Markdown
table. DATA_DIR holds gold.jsonl, unlabeled.jsonl and test.jsonl. A reply that is not kept costs its program, or the
direct labels, as it does in a run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from labelwright.core.bundle import Program
from labelwright.core.row import Row, parse_rows
from labelwright.features import Features
from labelwright.sandbox import Sandbox
from labelwright.synthesis.app import open_provider, read_gold, read_task
from labelwright.synthesis.asking.direct import DirectLessons
from labelwright.synthesis.combining.ensemble import Ensemble, Ingredients, build_ensemble
from labelwright.synthesis.combining.selection import Choice, choose_label_model
from labelwright.synthesis.combining.version import VersionOptions, learn_directly
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.repair.extraction import extract_source, parse_source
from labelwright.synthesis.rows import Rows, labels_of, records_of
from labelwright.synthesis.settings import SynthesisSettings
from labelwright.synthesis.statistics.label_models import decide, fit_majority
from labelwright.synthesis.writing.generation import PROGRAM
from labelwright.synthesis.writing.round import Synthesis, WritingOptions, synthesize
from labelwright.synthesis.writing.validation import Validator
from labelwright.synthesis.writing.voting import cast_votes


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a seed's replies make: the programs, the LLM's own labels, and all that versions are made of."""

    rows: Rows
    synthesis: Synthesis
    lessons: DirectLessons
    seed: int

    def ingredients(self) -> Ingredients:
        """Return what the whole version is made of."""
        return Ingredients(
            self.rows,
            self.synthesis.programs,
            self.lessons.records.beliefs,
            self.lessons.gold.beliefs,
            {item.program.name: item.attempt.shown_gold for item in self.synthesis.kept},
        )


Variant = Callable[[Sandbox, Replayed], Ensemble]


def whole(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the version as `labelwright pilot` makes it."""
    return _build(sandbox, made, made.ingredients())


def without_student(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the LLM's programs alone, without a table of words or weights for numbers."""
    return build_ensemble(sandbox, made.ingredients(), seed=made.seed, with_student=False)


def without_programs(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the student alone, as it learns without the LLM's programs."""
    return _build(sandbox, made, replace(made.ingredients(), programs=()))


def without_direct_labels(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the version without what the LLM labeled itself."""
    given = made.ingredients()
    nothing = {name: np.full_like(getattr(given, name), np.nan) for name in ("record_beliefs", "gold_beliefs")}
    return _build(sandbox, made, replace(given, **nothing))


def without_calibration(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the version that takes the LLM's labels by their names, not by the probabilities that came with them."""
    records, gold = (
        replace(labels, scores=np.full_like(labels.scores, np.nan)).beliefs
        for labels in (made.lessons.records, made.lessons.gold)
    )
    return _build(sandbox, made, replace(made.ingredients(), record_beliefs=records, gold_beliefs=gold))


def without_label_model(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the version's programs under majority vote."""
    return replace(whole(sandbox, made), choice=Choice(fit_majority(), ()))


def without_selection(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return all programs that there were to choose from, under the best label model for all of them."""
    chosen = whole(sandbox, made)
    programs = sorted(chosen.candidates, key=lambda program: program.name)
    everything = replace(chosen, programs=tuple(programs))
    votes = cast_votes(sandbox, made.rows.task, programs, made.rows.records)
    choice = choose_label_model(
        everything.gold_votes, everything.gold_labels, votes, made.rows.label_count, seed=made.seed
    )
    return replace(everything, choice=choice)


def without_repair(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the version whose programs are as the LLM wrote them first, where they are fit so."""
    programs = [found for item in made.synthesis.kept if (found := _unrepaired(sandbox, made, item.program.name))]
    return _build(sandbox, made, replace(made.ingredients(), programs=programs))


def judged_by_shown_rows(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the version whose programs are judged by all gold rows, those in their own prompts too."""
    return _build(sandbox, made, replace(made.ingredients(), shown_gold={}))


VARIANTS: dict[str, Variant] = {
    "whole": whole,
    "without student": without_student,
    "student only, without the LLM's programs": without_programs,
    "without direct labels": without_direct_labels,
    "direct labels not calibrated": without_calibration,
    "majority vote as label model": without_label_model,
    "without selection": without_selection,
    "without repair": without_repair,
    "programs judged by gold rows of their prompts too": judged_by_shown_rows,
}


def _build(sandbox: Sandbox, made: Replayed, given: Ingredients) -> Ensemble:
    return build_ensemble(sandbox, given, seed=made.seed)


def _unrepaired(sandbox: Sandbox, made: Replayed, name: str) -> Program | None:
    """Return the program in the first reply, as it is, where it passes; programs of word lists are never repaired."""
    kept = next(item for item in made.synthesis.kept if item.program.name == name)
    first = next((exchange for exchange in kept.attempt.exchanges if exchange.purpose == PROGRAM), None)
    if first is None:
        return kept.program
    source = extract_source(first.reply.text, cut=first.reply.is_cut)
    if source is None or parse_source(source) is None:
        return None
    program = Program(name, source)
    return program if Validator(sandbox, made.rows).try_out(program).fault is None else None


def replay(sandbox: Sandbox, provider: Provider, rows: Rows, seed: int, direct_labels: int) -> Replayed:
    """Return what the kept replies make of one seed."""
    synthesis = synthesize(rows, provider, sandbox, WritingOptions(seed=seed))
    options = VersionOptions(direct_labels=direct_labels, seed=seed)
    lessons = learn_directly(provider, rows, options, "", lambda *_: None)
    _note(f"seed {seed}: {len(synthesis.kept)} programs, {dict(synthesis.reasons)} dropped; {lessons.stopped or 'ok'}")
    return Replayed(rows, synthesis, lessons, seed)


def measure(sandbox: Sandbox, made: Replayed, ensemble: Ensemble, test: Sequence[Row]) -> tuple[float, float]:
    """Return accuracy on gold rows, out of fold, and on test rows; an abstention counts as wrong."""
    labels = made.rows.label_count
    gold = float((ensemble.unseen_labels(labels, made.seed) == ensemble.gold_labels).mean())
    votes = cast_votes(sandbox, made.rows.task, ensemble.programs, records_of(test))
    given, _ = decide(ensemble.choice.fit, votes, labels)
    return gold, float((given == labels_of(test)).mean())


def table(figures: dict[str, list[tuple[float, float]]]) -> str:
    """Return Markdown: mean and range over the seeds."""
    lines = ["| version | gold, out of fold | test |", "|---|---|---|"]
    for name, measured in figures.items():
        cells = [
            f"{np.mean(column):.3f} ({min(column):.3f} to {max(column):.3f})" for column in zip(*measured, strict=True)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def read(task_dir: Path, data: Path) -> tuple[Rows, list[Row]]:
    """Return a task with its records and gold rows, and its test rows."""
    task = read_task(task_dir)
    features = Features.open(task)
    gold, test = (read_gold(task, data / f"{part}.jsonl", features.fill_lines) for part in ("gold", "test"))
    lines = features.fill_lines((data / "unlabeled.jsonl").read_text(encoding="utf-8"))
    records, _ = parse_rows(task, lines, "unlabeled.jsonl", labeled=False)
    return Rows(task, records_of(records), gold), test


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task_dir", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--replies", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--direct-labels", type=int, default=300)
    parser.add_argument("--only", default="", help="variants whose names contain one of these words, by comma")
    given = parser.parse_args()
    words = [word for word in given.only.split(",") if word]
    variants = {name: build for name, build in VARIANTS.items() if not words or any(word in name for word in words)}
    rows, test = read(given.task_dir, given.data)
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    with Sandbox() as sandbox:
        for seed in map(int, given.seeds.split(",")):
            provider = open_provider(SynthesisSettings(), replies=given.replies, recorded=True)
            made = replay(sandbox, provider, rows, seed, given.direct_labels)
            for name, build in variants.items():
                figures[name].append(measure(sandbox, made, build(sandbox, made), test))
                _note(f"seed {seed}, {name}: {figures[name][-1][0]:.3f} {figures[name][-1][1]:.3f}")
    sys.stdout.write(f"{rows.task.name}, seeds {given.seeds}\n\n{table(figures)}\n")
    return 0


def _note(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
