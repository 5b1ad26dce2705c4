"""Hostile programs that nobody caught at push, live in production: the service shrugs them off."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from labelwright.client import Client, Labeling, Registry
from labelwright.core.bundle import open_bundle
from labelwright.core.errors import AliasNotFound, TaskNotFound
from labelwright.core.vote import VoteError

from tests.parts.registry import Registry as RegistryProcess
from tests.parts.repository import ROOT
from tests.parts.service import Service, until

HOSTILE = ROOT / "tests" / "sandbox" / "hostile"
TASK = """
[task]
name = "{name}"
instructions = "Is it spam?"
[labels]
spam = ""
ham = ""
[fields]
text = "text"
[limits]
time_ms = 60
memory_mb = 64
"""
HEALTHY = {
    "programs/a_prize.py": "def label(text):\n    return 'spam' if 'prize' in text else None\n",
    "programs/z_length.py": "def label(text):\n    return 'ham' if len(text) < 5 else None\n",
}
ALLOWED_GROWTH_MB = 150
"""Far less than the 64 MiB of each hostile version together, far more than the noise of a living process."""


def test_a_service_survives_every_hostile_version(tmp_path: Path) -> None:
    with ExitStack() as stack:
        registry = RegistryProcess(tmp_path / "registry").start()
        stack.callback(registry.stop)
        service = Service(tmp_path / "service", registry=registry.address, loaded_versions=0).start()
        stack.callback(service.stop)
        admin = stack.enter_context(Registry(registry.address))
        client = stack.enter_context(Client(service.address, timeout=20))
        push(admin, "steady", {})
        until(lambda: serves(client, "steady", 1))
        before = resident_mb(service.pid)

        served = 0
        for path in sorted(HOSTILE.glob("*.py.txt")):
            version = push(admin, "attacked", {"programs/hostile.py": path.read_text()})
            if version is None:
                continue  # refused at push, which is as good
            served += 1
            until(lambda version=version: serves(client, "attacked", version))
            answer = client.label("attacked", "win a prize", explain=True)
            assert (answer.votes["a_prize"], answer.votes["z_length"]) == ("spam", None), path.name
            assert answer.degraded == isinstance(answer.votes["hostile"], VoteError), path.name
            assert client.label("steady", "win a prize", timeout=5).label == "spam", path.name
        assert served >= 25

        push(admin, "attacked", {})
        until(lambda: client.label("attacked", "a").degraded is False)
        until(lambda: resident_mb(service.pid) < before + ALLOWED_GROWTH_MB)
        assert service.events("unforeseen error") == []


def push(admin: Registry, task: str, programs: dict[str, str]) -> int | None:
    """Push and promote; return the version's number, None where the bundle was refused."""
    files = {"task.toml": TASK.format(name=task), **HEALTHY, **programs}
    bundle, findings = open_bundle((path, text.encode()) for path, text in files.items())
    assert bundle is not None, findings
    version = admin.push(bundle).version
    if version is not None:
        admin.set_alias(task, version.number)
    return version.number if version else None


def serves(client: Client, task: str, version: int) -> bool:
    try:
        [answer] = client.label_batch(task, ["hello"])
    except (TaskNotFound, AliasNotFound):
        return False
    assert isinstance(answer, Labeling)
    return answer.version == version


def resident_mb(pid: int) -> float:
    """Return the memory that the process holds, in MiB."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
