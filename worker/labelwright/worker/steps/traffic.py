"""Live traffic, as counted by label services and summed by Prometheus."""

from __future__ import annotations

from labelwright.core.report import Reference
from labelwright.worker.decision import ShadowFigures
from labelwright.worker.prometheus import Prometheus


def shadow_of(prometheus: Prometheus, task: str, version: int) -> ShadowFigures:
    """Return the figures of this version's shadow since it began. Raises Unavailable."""
    condition = f'(labelwright_shadow_version{{task="{task}"}} == {version})'

    def count(name: str) -> int:
        return round(prometheus.value(f'sum({name}{{task="{task}"}} and ignoring (label) {condition})') or 0.0)

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
    series = f'labelwright_live_version{{task="{task}",alias="production"}}'
    return prometheus.value(f"min({series})") == version == prometheus.value(f"max({series})")


def fails_to_load(prometheus: Prometheus, task: str, version: int) -> bool:
    """Return whether a label service should serve this version as production and cannot load it. Raises Unavailable."""
    return (
        prometheus.value(f'max(labelwright_reload_failing{{task="{task}",alias="production"}} == {version})')
        is not None
    )


def figures_since(prometheus: Prometheus, task: str, seconds: int) -> Reference | None:
    """Return coverage and errors of production within the last ``seconds``, without label shares and conflicts.

    None where nothing was counted. Raises Unavailable.
    """

    def count(name: str) -> float:
        return prometheus.value(f'sum(increase({name}{{task="{task}"}}[{seconds}s]))') or 0.0

    label_count, vote_count = count("labelwright_labels_total"), count("labelwright_votes_total")
    rows = label_count + count("labelwright_abstentions_total")
    if round(rows) < 1:
        return None
    error_share = count("labelwright_program_errors_total") / vote_count if vote_count else 0.0
    return Reference(round(rows), {}, coverage=label_count / rows, conflict=0.0, error=min(error_share, 1.0))
