"""A run of synthesis: programs from a capable model or a small one, and the version that they become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from labelwright.core.bundle import Bundle
from labelwright.core.origin import by_hand, origins
from labelwright.sandbox import Sandbox
from labelwright.synthesis.authoring.author import Authored, Present, TooSmall, author
from labelwright.synthesis.authoring.estimate import estimate_authoring
from labelwright.synthesis.combining.version import MadeVersion, StepListener, VersionOptions, make_version
from labelwright.synthesis.combining.written import seen_gold
from labelwright.synthesis.learning.sources import LEARNED_NAMES
from labelwright.synthesis.llm.prices import Price
from labelwright.synthesis.llm.provider import Provider
from labelwright.synthesis.rows import Rows
from labelwright.synthesis.writing.estimate import Estimate, estimate
from labelwright.synthesis.writing.round import ProgramListener, Synthesis, WritingOptions, synthesize


@dataclass(frozen=True, slots=True)
class SynthesisResult:
    """What a run ends with: the programs that were written, and the version that they became."""

    synthesis: Synthesis
    version: MadeVersion
    authored: Authored | None = None
    """What a capable model made besides the programs; None where a small one was asked for them."""


def estimate_run(rows: Rows, writing: WritingOptions, price: Price | None) -> Estimate:
    """Return about what the programs will take. Raises ConfigurationError for strategies that cannot be used."""
    return (estimate_authoring if writing.is_authored else estimate)(rows, writing, price)


def run_synthesis(
    rows: Rows,
    provider: Provider,
    sandbox: Sandbox,
    writing: WritingOptions,
    options: VersionOptions,
    program_listener: ProgramListener,
    step_listener: StepListener = lambda name, share: None,  # noqa: ARG005 - a listener's parameters
    note: Callable[[str], None] = lambda words: None,  # noqa: ARG005 - a listener's parameter
    *,
    earlier: Bundle | None = None,
    revises: bool = False,
) -> SynthesisResult:
    """Return programs that the LLM wrote, and the version that they become beside those of the ``earlier`` one.

    Where it ``revises``, a capable model writes no new ones but begins from those of the ``earlier`` version.

    ``program_listener`` hears of each program, ``step_listener`` of what comes after them, ``note`` of what the author
    did besides programs, in words. Raises AskFailed, ConfigurationError, and InvalidBundle where nothing is fit to be
    kept.
    """
    authored = None
    present = _present(rows, earlier) if earlier and revises else None
    if writing.is_authored:
        try:
            authored = author(rows, provider, sandbox, writing, program_listener, note, present=present)
        except TooSmall as why:
            note(f"the model does not manage to write whole programs ({why}): going on as for a small model")
            writing = replace(writing, author="small")
    synthesis = authored.synthesis if authored else synthesize(rows, provider, sandbox, writing, program_listener)
    version = make_version(
        sandbox,
        provider,
        rows,
        synthesis,
        options,
        step_listener,
        earlier=earlier,
        authored=authored,
    )
    return SynthesisResult(synthesis, version, authored)


def _present(rows: Rows, earlier: Bundle) -> Present:
    """Return what a model may revise of a version, and what it must leave alone: the work of people."""
    shown = seen_gold(rows, origins(earlier))
    return Present(
        [program for program in earlier.programs if program.name not in LEARNED_NAMES],
        by_hand(earlier),
        frozenset().union(*(rows for name, rows in shown.items() if name not in LEARNED_NAMES)),
    )
