"""Gates: what task.toml requires of a version before it may become production."""

from __future__ import annotations

from collections.abc import Sequence

from labelwright.core.errors import GateFailed
from labelwright.core.report import GateResult, GoldFigures, Reference
from labelwright.core.task import Gates

DROP = "max_accuracy_drop"
GOLD_KEPT, ANOTHER_PERSON = "protect_gold", "another_person"
"""Gates that only the registry's policy sets."""

_TOLERANCE = 1e-9
"""Lets a share such as 0.9, which binary sums miss by a little, pass a gate of 0.9."""


def check_gates(gates: Gates, gold: GoldFigures | None, reference: Reference | None) -> tuple[GateResult, ...]:
    """Return the result of every gate that is set, except ``max_accuracy_drop``, which needs another version.

    ``max_error`` has a default, which is not applied to a bundle without rows.
    """
    results = [
        _at_least("min_accuracy", "accuracy", gates.min_accuracy, gold.accuracy if gold else None),
        _at_least(
            "min_covered_accuracy",
            "covered accuracy",
            gates.min_covered_accuracy,
            gold.covered_accuracy if gold else None,
        ),
        _at_least(
            "min_coverage", "coverage", gates.min_coverage, reference.coverage if reference else None, "gold or sample"
        ),
        _at_least(
            "min_gain_over_majority",
            "gain over the majority label",
            gates.min_gain_over_majority,
            gold.accuracy - gold.majority_accuracy if gold else None,
        ),
    ]
    if reference or "max_error" in gates.model_fields_set:
        results.append(
            _at_most("max_error", "share of error votes", gates.max_error, reference.error if reference else None)
        )
    return tuple(result for result in results if result)


def stricter(gates: Gates, policy: Gates) -> Gates:
    """Return of each gate the stricter one; one that is set in either is set."""
    chosen, names = {}, set(gates.model_fields_set)
    for name in Gates.model_fields:
        ours, theirs = getattr(gates, name), getattr(policy, name)
        chosen[name] = theirs if is_looser(name, ours, theirs) else ours
        if theirs is not None:
            names.add(name)
    return Gates.model_construct(_fields_set=names, **chosen)


def is_looser(gate: str, value: float | None, than: float | None) -> bool:
    """Return whether a gate of this name lets more through with ``value`` than with ``than``; None is not set."""
    if value is None or than is None:
        return than is not None
    return value < than if gate.startswith("min_") else value > than


def check_drop(
    gates: Gates, gold: GoldFigures | None, production_accuracy: float | None, obstacle: str = ""
) -> tuple[GateResult, ...]:
    """Return the result of ``max_accuracy_drop`` where it is set.

    ``production_accuracy`` is that of the production version on the same gold rows, None where there is none.
    ``obstacle`` says why the two cannot be compared: the gate fails then.
    """
    required = gates.max_accuracy_drop
    if required is None:
        return ()
    if gold is None:
        return (_unmeasured(DROP, required, "gold"),)
    if obstacle:
        return (GateResult(DROP, False, 0.0, required, f"cannot be measured: {obstacle}"),)
    if production_accuracy is None:
        return (GateResult(DROP, True, 0.0, required, "there is no production version to compare with"),)
    drop = production_accuracy - gold.accuracy
    message = f"accuracy is {gold.accuracy:.3f}; production has {production_accuracy:.3f} on the same gold rows"
    return (GateResult(DROP, drop <= required + _TOLERANCE, drop, required, message),)


def require(results: Sequence[GateResult]) -> None:
    """Raise GateFailed where a gate does not hold; the message names all that do not."""
    failures = [result for result in results if not result.passed]
    if failures:
        raise GateFailed(
            "; ".join(f"{result.gate}: {result.message}" for result in failures),
            advice="push a better version, or override the gate with a reason",
            gates=",".join(result.gate for result in failures),
        )


def _at_least(
    gate: str, what: str, required: float | None, measured: float | None, rows: str = "gold"
) -> GateResult | None:
    if required is None:
        return None
    if measured is None:
        return _unmeasured(gate, required, rows)
    holds = measured >= required - _TOLERANCE
    return GateResult(gate, holds, measured, required, f"{what} is {measured:.3f}; at least {required:g} is asked for")


def _at_most(gate: str, what: str, required: float | None, measured: float | None) -> GateResult | None:
    if required is None:
        return None
    if measured is None:
        return _unmeasured(gate, required, "gold or sample")
    holds = measured <= required + _TOLERANCE
    return GateResult(gate, holds, measured, required, f"{what} is {measured:.3f}; at most {required:g} is allowed")


def _unmeasured(gate: str, required: float, rows: str) -> GateResult:
    return GateResult(gate, False, 0.0, required, f"needs {rows} rows, and the bundle has none")
