"""The worker's queries where the environment names a proxy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from labelwright.core.errors import Unavailable
from labelwright.worker.prometheus import Prometheus

from tests.parts.prometheus import Prometheus as PrometheusProcess
from tests.parts.recording_proxy import recording_proxy

SPELLED = pytest.mark.parametrize("spelled", [str.lower, str.upper])
ONE = b'{"data": {"result": [{"metric": {}, "value": [0, "1"]}]}}'


def test_a_prometheus_on_this_machine_is_asked_directly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = PrometheusProcess(tmp_path).start()
    try:
        with recording_proxy() as proxy:
            for name, value in {**proxy.variables(), **proxy.variables(str.upper)}.items():
                monkeypatch.setenv(name, value)
            with Prometheus(process.url) as prometheus:
                assert prometheus.value("vector(1)") == 1.0
                assert prometheus.alerts() == ([], [])
            assert proxy.asked == []
    finally:
        process.stop()


@SPELLED
def test_one_elsewhere_is_asked_through_the_proxy(
    spelled: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording_proxy(ONE) as proxy:
        monkeypatch.setenv(spelled("http_proxy"), proxy.url)
        with Prometheus("http://prometheus.invalid:9090") as prometheus:
            assert prometheus.value("vector(1)") == 1.0
    assert [asked.partition("?")[0] for asked in proxy.asked] == ["GET http://prometheus.invalid:9090/api/v1/query"]


def test_a_proxy_that_refuses_is_named_and_no_proxy_leads_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with recording_proxy() as proxy:
        monkeypatch.setenv("all_proxy", proxy.url)
        with (
            Prometheus("http://prometheus.invalid:9090") as prometheus,
            pytest.raises(Unavailable, match=r"through the proxy of all_proxy"),
        ):
            prometheus.alerts()
        assert len(proxy.asked) == 1
        monkeypatch.setenv("NO_PROXY", "prometheus.invalid:9090")
        with Prometheus("http://prometheus.invalid:9090") as prometheus, pytest.raises(Unavailable) as raised:
            prometheus.alerts()
        assert "proxy" not in str(raised.value)
        assert len(proxy.asked) == 1
