"""The link to the registry where the environment names a proxy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parts.recording_proxy import recording_proxy
from tests.parts.service import Service, until

NOT_REACHED = "registry not reached; trying again"


def test_a_registry_that_is_not_reached_is_told_once_with_the_proxy_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(tmp_path / "service", registry="registry.invalid:7420")
    with recording_proxy() as proxy:
        with monkeypatch.context() as environment:
            environment.setenv("http_proxy", proxy.url.replace("http://", "http://user:secret@"))
            service.start(serving=False)
        until(lambda: len(proxy.asked) > 2)
        assert set(proxy.asked) == {"CONNECT registry.invalid:7420"}
        told = service.events(NOT_REACHED)
        assert service.stop() == 0
    assert [event["registry"] for event in told] == ["registry.invalid:7420 through the proxy of http_proxy"]
    assert told[0]["reason"] == "UNAVAILABLE"
    assert "secret" not in service.log.read_text()
