from __future__ import annotations

from typing import Any, cast

import grpc
import pytest
from labelwright.core.errors import AliasNotFound, DeadlineExceeded, LabelwrightError, Overloaded, Unavailable
from labelwright.service.answering.admission import Admission
from labelwright.service.answering.call import MethodMeter, VersionHold
from labelwright.service.metrics import ServiceMetrics
from labelwright.service.target import Aliases
from labelwright.service.versions.directory import Directory
from labelwright.service.versions.loaded_versions import LoadedVersions
from labelwright.v1 import label_service_pb2 as pb


class Odd(LabelwrightError):
    """An error with a reason that no metric may show."""

    reason = "MADE_UP"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "OK"),
        (DeadlineExceeded("too late"), "DEADLINE_EXCEEDED"),
        (AliasNotFound("no alias"), "ALIAS_NOT_FOUND"),
        (Odd("odd"), "INTERNAL"),
        (ValueError("a bug"), "INTERNAL"),
        (grpc.RpcError(), "OK"),  # a stream whose caller went away
        (GeneratorExit(), "OK"),
    ],
)
@pytest.mark.parametrize("timed", [True, False])
def test_every_call_is_counted_once_by_its_outcome(error: BaseException | None, outcome: str, timed: bool) -> None:
    metrics = ServiceMetrics()
    meter = MethodMeter(metrics, "Label", timed=timed)
    if error is None:
        with meter.call():
            pass
    else:
        with pytest.raises(type(error)), meter.call():
            raise error
    counts = {
        sample.labels["outcome"]: sample.value
        for family in metrics.requests.collect()
        for sample in family.samples
        if sample.value
    }
    assert counts == {outcome: 1.0}
    timings = metrics.registry.get_sample_value("labelwright_request_seconds_count", {"method": "Label"})
    assert (timings or 0.0) == float(timed)


def hold(admission: Admission, directory: Directory, records: int = 3) -> VersionHold:
    return VersionHold(admission, directory, pb.LabelRequest(task="spam", text="x"), records, deadline=0.0)


def empty_directory() -> Directory:
    """Return a directory that knows no alias yet."""
    loader = cast(Any, None)  # nothing is ever loaded
    return Directory(LoadedVersions(loader, 0), cast(Any, None))


def test_a_request_that_finds_no_version_gives_its_room_back() -> None:
    admission, directory = Admission(2, 10, 1), empty_directory()
    with pytest.raises(Unavailable, match="not heard from the registry"), hold(admission, directory):
        pass
    directory.aliases = Aliases(1, {"spam": {}})
    with pytest.raises(AliasNotFound), hold(admission, directory):
        pass
    assert (admission.requests, admission.records) == (0, 0)


def test_a_request_for_which_there_is_no_room_takes_nothing() -> None:
    admission = Admission(1, 10, 1)
    admission.enter(3)
    with pytest.raises(Overloaded), hold(admission, empty_directory()):
        pass
    assert (admission.requests, admission.records) == (1, 3)
