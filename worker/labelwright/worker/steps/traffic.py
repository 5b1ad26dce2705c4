"""Live traffic, as label services count it and Prometheus sums it up."""

from __future__ import annotations

from labelwright.core.report import Reference
from labelwright.worker.decision import ShadowFigures
from labelwright.worker.prometheus import Prometheus


def shadow_of(prometheus: Prometheus, task: str, version: int) -> ShadowFigures:
    """Return what was counted since this version's shadow began. Raises Unavailable."""
    begun = f'(labelwright_shadow_version{{task="{task}"}} == {version})'

    def count(name: str) -> int:
        return round(prometheus.value(f'sum({name}{{task="{task}"}} and ignoring (label) {begun})') or 0.0)

    return ShadowFigures(
        records=count("labelwright_shadow_records_total"),
        agreements=count("labelwright_shadow_agreements_total"),
        labeled=count("labelwright_shadow_labels_total"),
        base_labeled=count("labelwright_shadow_production_labels_total"),
        votes=count("labelwright_shadow_votes_total"),
        errors=count("labelwright_shadow_errors_total"),
    )


def serves_everywhere(prometheus: Prometheus, task: str, version: int) -> bool:
    """Return whether every label service has this version as production. Raises Unavailable."""
    live = f'labelwright_live_version{{task="{task}",alias="production"}}'
    return prometheus.value(f"min({live})") == version == prometheus.value(f"max({live})")


def fails_to_load(prometheus: Prometheus, task: str, version: int) -> bool:
    """Return whether a label service wants this version as production and cannot load it. Raises Unavailable."""
    return (
        prometheus.value(f'max(labelwright_reload_failing{{task="{task}",alias="production"}} == {version})')
        is not None
    )


def figures_since(prometheus: Prometheus, task: str, seconds: int) -> Reference | None:
    """Return coverage and errors of production within the last ``seconds``; no label shares and no conflicts.

    None where nothing was counted. Raises Unavailable.
    """

    def count(name: str) -> float:
        return prometheus.value(f'sum(increase({name}{{task="{task}"}}[{seconds}s]))') or 0.0

    labeled, votes = count("labelwright_labels_total"), count("labelwright_votes_total")
    rows = labeled + count("labelwright_abstentions_total")
    if round(rows) < 1:
        return None
    errors = count("labelwright_program_errors_total") / votes if votes else 0.0
    return Reference(round(rows), {}, coverage=labeled / rows, conflict=0.0, error=min(errors, 1.0))
