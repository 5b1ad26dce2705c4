"""The figures of a shadow: how the candidate and production labeled the same records."""

from __future__ import annotations

from labelwright.core.vote import ABSTAIN
from labelwright.service.answer import LabelAnswer
from labelwright.service.metrics import Meter, ServiceMetrics
from labelwright.service.versions.live_version import LiveVersion

_NO_LABEL_OF_PRODUCTION = -2
"""Differs from every decision of production."""


class ShadowMeter(Meter):
    """Counts for one candidate beside one production version, from 0."""

    def __init__(self, metrics: ServiceMetrics, production: LiveVersion, candidate: LiveVersion) -> None:
        """Labels are compared by name: the two versions may have different ones, or another order."""
        super().__init__(metrics, production.target.task)
        labels, candidate_labels = production.task.label_names, candidate.task.label_names
        places = {label: place for place, label in enumerate(labels)}
        self._as_production = [places.get(label, _NO_LABEL_OF_PRODUCTION) for label in candidate_labels]
        self._hold(metrics.shadow_version, (self._task,))
        metrics.shadow_version.labels(self._task).set(candidate.target.number)
        self._records = self._counter(metrics.shadow_records)
        self._agreements = self._counter(metrics.shadow_agreements)
        self._labels = self._label_counters(metrics.shadow_labels, candidate_labels)
        self._abstentions = self._counter(metrics.shadow_abstentions)
        self._production_labels = self._label_counters(metrics.shadow_production_labels, labels)
        self._production_abstentions = self._counter(metrics.shadow_production_abstentions)
        self._votes = self._counter(metrics.shadow_votes)
        self._errors = self._counter(metrics.shadow_errors)
        self._dropped = self._counter(metrics.shadow_dropped)

    def count(self, production: LabelAnswer, candidate: LabelAnswer) -> None:
        """Count one record that both versions answered."""
        theirs, ours = production.decision.label, candidate.decision.label
        (self._production_abstentions if theirs == ABSTAIN else self._production_labels[theirs]).inc()
        (self._abstentions if ours == ABSTAIN else self._labels[ours]).inc()
        if theirs == (ABSTAIN if ours == ABSTAIN else self._as_production[ours]):
            self._agreements.inc()
        self._votes.inc(len(candidate.votes))
        self._errors.inc(len(candidate.errors))
        self._records.inc()

    def drop_records(self, records: int) -> None:
        """Count records that were chosen but are not evaluated."""
        self._dropped.inc(records)
