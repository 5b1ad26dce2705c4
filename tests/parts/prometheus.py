"""A real Prometheus as a process of its own, on a free loopback port, with the project's rules in a hurry."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.parts.repository import ROOT
from tests.parts.server_process import find_program
from tests.parts.web_server import WebServer

RULES = ROOT / "deploy" / "prometheus" / "rules"
"""The project's own rules."""

Sample = tuple[dict[str, str], float]
"""A series' labels, without its name, and its value."""


def hurried(rules: Path, folder: Path, *, window: str = "20s", hold: str = "2s", every: str = "1s") -> Path:
    """Write the rules into ``folder`` with short times in place of their own, and return the new file.

    ``window`` stands for every range of 30 minutes, ``hold`` for every ``for``, ``every`` for each group's interval.
    """
    text = rules.read_text().replace("[30m]", f"[{window}]")
    text = re.sub(r"^(\s+)for: \w+$", rf"\g<1>for: {hold}", text, flags=re.MULTILINE)
    text = re.sub(r"^(\s+)interval: \w+$", rf"\g<1>interval: {every}", text, flags=re.MULTILINE)
    made = folder / f"hurried-{rules.name}"
    made.write_text(text)
    return made


class Prometheus(WebServer):
    """One server; it keeps its port and its data over a restart.

    ``targets`` gives each job's addresses; ``scrape`` changes them while it runs. ``every`` is how often it scrapes,
    and evaluates those rules that have no interval of their own. Prometheus itself takes up to five seconds to follow
    a change of its targets, the start included. ``consoles`` is the folder of its console templates.
    """

    def __init__(
        self,
        folder: Path,
        targets: Mapping[str, Sequence[str]] | None = None,
        *,
        rules: Sequence[Path] = (),
        alertmanagers: Sequence[str] = (),
        every: str = "1s",
        consoles: Path | None = None,
    ) -> None:
        super().__init__()
        self._consoles = consoles
        self._folder = folder
        self.data = folder / "prometheus-data"
        self._config = {
            "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
            "rule_files": [str(path) for path in rules],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
            "scrape_configs": [self._job(job) for job in targets or {}],
        }
        for job, addresses in (targets or {}).items():
            self.scrape(job, *addresses)

    def start(self) -> Prometheus:
        """Start it and wait until it answers. Raises RuntimeError with its log where it ends instead."""
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps(self._config))  # JSON is YAML
        options = (
            f"--config.file={config}",
            f"--storage.tsdb.path={self.data}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
            *((f"--web.console.templates={self._consoles}",) if self._consoles else ()),
        )
        self.run([find_program("prometheus"), *options], self._folder / "prometheus.log")
        return self

    def scrape(self, job: str, *addresses: str) -> None:
        """Make these the job's addresses from now on. It must be one of the jobs that were there from the start."""
        listed = self._targets(job)
        fresh = listed.with_suffix(".new")
        fresh.write_text(json.dumps([{"targets": list(addresses)}]))
        fresh.replace(listed)

    def query(self, expression: str) -> list[Sample]:
        """Return what a PromQL expression gives now; a scalar has no labels. Raises RuntimeError where it is wrong."""
        found = self._get("query", query=expression)
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(_without_name(series["metric"]), float(series["value"][1])) for series in found["result"]]

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Return the series that an expression gives between two Unix times, every ``step`` seconds."""
        result = self._get("query_range", query=expression, start=start, end=end, step=step)["result"]
        assert isinstance(result, list)
        return result

    def firing(self) -> list[dict[str, str]]:
        """Return the labels of each alert that fires."""
        return [alert["labels"] for alert in self.alerts()]

    def alerts(self) -> list[dict[str, Any]]:
        """Return each alert that fires, as Prometheus shows it."""
        return [alert for alert in self._get("alerts")["alerts"] if alert["state"] == "firing"]

    def failures(self) -> list[str]:
        """Return the errors of the rules' last evaluations, by the rule's name."""
        rules = [rule for group in self._get("rules")["groups"] for rule in group["rules"]]
        return [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule.get("lastError")]

    def _get(self, path: str, **parameters: object) -> dict[str, Any]:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as reply:
                answer = json.load(reply)
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from error
        data = answer["data"]
        assert isinstance(data, dict)
        return data

    def _job(self, job: str) -> dict[str, Any]:
        return {"job_name": job, "file_sd_configs": [{"files": [str(self._targets(job))]}]}

    def _targets(self, job: str) -> Path:
        return self._folder / f"targets-{job}.json"


def _without_name(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != "__name__"}
