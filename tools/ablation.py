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
from labelwright.synthesis.combining.ensemble import Ensemble, Ingredients, build_ensemble
from labelwright.synthesis.combining.selection import Choice, choose_label_model
from labelwright.synthesis.combining.version import Learned, VersionMaterial, VersionOptions, learn_directly
from labelwright.synthesis.combining.voting import cast_votes
from labelwright.synthesis.learning.calibration import beliefs
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.repair.extraction import extract_source, parse_source
from labelwright.synthesis.settings import Settings
from labelwright.synthesis.statistics.label_models import decide, fit_majority
from labelwright.synthesis.writing.generation import PROGRAM
from labelwright.synthesis.writing.round import Synthesis, SynthesisSettings, synthesize
from labelwright.synthesis.writing.validation import Validator


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a seed's replies make: the programs, the LLM's own labels, and all that versions are made of."""

    material: VersionMaterial
    synthesis: Synthesis
    learned: Learned
    seed: int

    def ingredients(self) -> Ingredients:
        """Return what the whole version is made of."""
        return Ingredients(
            self.synthesis.programs,
            self.material.records,
            self.material.gold,
            beliefs(self.learned.records.labels, self.learned.records.scores),
            beliefs(self.learned.gold.labels, self.learned.gold.scores),
            {item.program.name: item.attempt.shown_gold for item in self.synthesis.kept},
        )


Variant = Callable[[Sandbox, Replayed], Ensemble]


def whole(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the version as `labelwright pilot` makes it."""
    return _build(sandbox, made, made.ingredients())


def without_student(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the LLM's programs alone, without a table of words or weights for numbers."""
    return build_ensemble(sandbox, made.material.task, made.ingredients(), seed=made.seed, with_student=False)


def without_programs(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the student alone, as it learns without the LLM's programs."""
    return _build(sandbox, made, replace(made.ingredients(), programs=()))


def without_direct_labels(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the version without what the LLM labeled itself."""
    given = made.ingredients()
    nothing = {name: np.full_like(getattr(given, name), np.nan) for name in ("record_direct", "gold_direct")}
    return _build(sandbox, made, replace(given, **nothing))


def without_calibration(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the version that takes the LLM's labels by their names, not by the probabilities that came with them."""
    gold, records = made.learned.gold, made.learned.records
    return _build(
        sandbox,
        made,
        replace(
            made.ingredients(),
            record_direct=beliefs(records.labels, np.full_like(records.scores, np.nan)),
            gold_direct=beliefs(gold.labels, np.full_like(gold.scores, np.nan)),
        ),
    )


def without_label_model(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return the version's programs under majority vote."""
    return replace(whole(sandbox, made), choice=Choice(fit_majority(), ()))


def without_selection(sandbox: Sandbox, made: Replayed) -> Ensemble:
    """Return all programs that there were to choose from, under the best label model for all of them."""
    chosen = whole(sandbox, made)
    programs = sorted(chosen.candidates, key=lambda program: program.name)
    everything = replace(chosen, programs=tuple(programs))
    votes = cast_votes(sandbox, made.material.task, programs, made.material.records)
    labels = len(made.material.task.labels)
    choice = choose_label_model(everything.gold_votes, everything.gold_labels, votes, labels, seed=made.seed)
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
    return build_ensemble(sandbox, made.material.task, given, seed=made.seed)


def _unrepaired(sandbox: Sandbox, made: Replayed, name: str) -> Program | None:
    """Return the program in the first reply, as it is, where it passes; programs of word lists are never repaired."""
    kept = next(item for item in made.synthesis.kept if item.program.name == name)
    first = next((asked for asked in kept.attempt.asked if asked.purpose == PROGRAM), None)
    if first is None:
        return kept.program
    source = extract_source(first.reply.text, cut=first.reply.is_cut)
    if source is None or parse_source(source) is None:
        return None
    program = Program(name, source)
    validator = Validator(sandbox, made.material.task, made.material.records, made.material.gold)
    return program if validator.judge(program).fault is None else None


def replay(sandbox: Sandbox, provider: Provider, material: VersionMaterial, seed: int, direct_labels: int) -> Replayed:
    """Return what the kept replies make of one seed."""
    settings = SynthesisSettings(seed=seed)
    synthesis = synthesize(material.task, material.records, material.gold, provider, sandbox, settings)
    options = VersionOptions(direct_labels=direct_labels, seed=seed)
    learned = learn_directly(provider, material, options, lambda *_: None)
    _note(f"seed {seed}: {len(synthesis.kept)} programs, {dict(synthesis.reasons)} dropped; {learned.stopped or 'ok'}")
    return Replayed(material, synthesis, learned, seed)


def measure(sandbox: Sandbox, made: Replayed, ensemble: Ensemble, test: Sequence[Row]) -> tuple[float, float]:
    """Return accuracy on gold rows, out of fold, and on test rows; an abstention counts as wrong."""
    task = made.material.task
    labels = len(task.labels)
    gold = float((ensemble.unseen_labels(labels, made.seed) == ensemble.gold_labels).mean())
    votes = cast_votes(sandbox, task, ensemble.programs, [row.record for row in test])
    given, _ = decide(ensemble.choice.fit, votes, labels)
    return gold, float((given == np.array([row.label for row in test])).mean())


def table(figures: dict[str, list[tuple[float, float]]]) -> str:
    """Return Markdown: mean and range over the seeds."""
    lines = ["| version | gold, out of fold | test |", "|---|---|---|"]
    for name, measured in figures.items():
        cells = [
            f"{np.mean(column):.3f} ({min(column):.3f} to {max(column):.3f})" for column in zip(*measured, strict=True)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def read(task_dir: Path, data: Path) -> tuple[VersionMaterial, list[Row]]:
    """Return a task with its records and gold rows, and its test rows."""
    task, text = read_task(task_dir)
    features = Features.open(task)
    gold, test = (read_gold(task, data / f"{part}.jsonl", features.fill_lines) for part in ("gold", "test"))
    lines = features.fill_lines((data / "unlabeled.jsonl").read_text(encoding="utf-8"))
    records, _ = parse_rows(task, lines, "unlabeled.jsonl", labeled=False)
    return VersionMaterial(task, text, [row.record for row in records], gold), test


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
    material, test = read(given.task_dir, given.data)
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    with Sandbox() as sandbox:
        for seed in map(int, given.seeds.split(",")):
            provider = open_provider(Settings(), replies=given.replies, recorded=True)
            made = replay(sandbox, provider, material, seed, given.direct_labels)
            for name, build in variants.items():
                figures[name].append(measure(sandbox, made, build(sandbox, made), test))
                _note(f"seed {seed}, {name}: {figures[name][-1][0]:.3f} {figures[name][-1][1]:.3f}")
    sys.stdout.write(f"{material.task.name}, seeds {given.seeds}\n\n{table(figures)}\n")
    return 0


def _note(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
