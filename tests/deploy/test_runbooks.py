"""An alert's link opens, on what to do about it."""

from __future__ import annotations

import urllib.request
from pathlib import Path

from tests.parts.prometheus import RULES, Prometheus, hurried
from tests.parts.service import until
from tools.runbooks import PAGE, SOURCE, rendered


def test_the_page_is_that_of_the_docs() -> None:
    assert PAGE.read_text() == rendered(SOURCE.read_text()), "run: python tools/runbooks.py"


def test_what_prometheus_would_take_for_a_template_is_escaped() -> None:
    page = rendered("## A & b-c `x`\n\nSay `{{ $value }}`, see [drift](drift.md) and [above](#a--b-c-x).\n")
    assert '<code>{{"{{"}} $value {{"}}"}}</code>' in page
    assert '<h2 id="a--b-c-x">' in page
    assert "drift.md" not in page
    assert '<a href="#a--b-c-x">above</a>' in page


def test_the_link_of_an_alert_that_fires_opens(tmp_path: Path) -> None:
    prometheus = Prometheus(tmp_path, rules=[hurried(RULES / "service.yml", tmp_path)], consoles=PAGE.parent).start()
    try:
        until(lambda: prometheus.firing())
        for alert in prometheus.alerts():
            address, _, anchor = alert["annotations"]["runbook_url"].partition("#")
            # Its host is the machine's name, which need not lead anywhere here.
            path = "/consoles/operations.html"
            assert address.endswith(f":{prometheus.port}{path}")
            with urllib.request.urlopen(prometheus.url + path, timeout=10) as answer:
                page = answer.read().decode()
            assert f'<h3 id="{anchor}">' in page
    finally:
        prometheus.stop()
