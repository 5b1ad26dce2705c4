"""Small bundles of the tests' own, and the registry calls that put them into production."""

from __future__ import annotations

import itertools

from labelwright.v1 import registry_service_pb2 as pb
from labelwright.v1.label_service_pb2 import LabelBatchRequest
from labelwright.v1.label_service_pb2_grpc import LabelServiceStub
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.registry import push
from tests.parts.service import until

TASK = """\
[task]
name = "{name}"
instructions = "Tell spam from ham."
[labels]
ham = "wanted"
spam = "unwanted"
[fields]
{fields}
[limits]
{limits}
"""

PRIZE = 'def label(text):\n    return "spam" if "prize" in text.lower() else None\n'
SHORT = 'def label(text):\n    return "ham" if len(text) < 20 else None\n'
RAISES = 'def label(text):\n    if "boom" in text:\n        raise ValueError(text)\n    return None\n'
LOOPS = 'def label(text):\n    while "loop" in text:\n        pass\n    return None\n'
QUADRATIC = 'import re\n\ndef label(text):\n    return "spam" if re.search(r"a*a*b", text) else None\n'

MIXED_FIELDS = """\
text = "text"
count = "number"
urgent = "bool"
scores = "numbers"
blob = { type = "bytes", optional = true }
"""
MIXED = """\
def label(text, count, urgent, scores, blob):
    total = len(text) + count + sum(scores) + len(blob or b"")
    return "spam" if urgent or total > 100 else "ham"
"""

SAMPLED = "[refresh]\nsample = true\nsample_records = 50\nsample_hours = 720"
"""Limits of a task that keeps 50 recent records in a bucket of 90 hours: no test sees one end."""

_numbers = itertools.count(1)


def new_name() -> str:
    """Return a task's name that no other test uses."""
    return f"label-{next(_numbers)}"


def files(name: str, *, fields: str = 'text = "text"', limits: str = "", **programs: str) -> dict[str, bytes]:
    """Return a bundle's files; without programs, PRIZE and SHORT."""
    contents = {"task.toml": TASK.format(name=name, fields=fields, limits=limits).encode()}
    sources = programs or {"prize": PRIZE, "short": SHORT}
    return contents | {f"programs/{program}.py": source.encode() for program, source in sources.items()}


def constant(name: str, label: str, programs: int = 3) -> dict[str, bytes]:
    """Return a bundle whose programs all give this label, whatever the record."""
    source = f'def label(text):\n    return "{label}"\n'
    return files(name, **{f"always_{label}_{index}": source for index in range(programs)})


def push_version(stub: RegistryServiceStub, bundle: dict[str, bytes]) -> pb.Version:
    """Push and return the version; fail where it is refused."""
    reply = push(stub, bundle, author="test")
    assert reply.HasField("version"), reply.report.findings
    return reply.version


def promote(stub: RegistryServiceStub, version: pb.Version, alias: str = "production") -> None:
    """Make the alias name the version."""
    stub.SetAlias(
        pb.SetAliasRequest(
            task=version.task,
            alias=alias,
            version=version.number,
            actor="test",
            reason="a test",
            override_gate=True,
        ),
        timeout=30,
    )


def serve(stub: RegistryServiceStub, bundle: dict[str, bytes]) -> pb.Version:
    """Push and promote."""
    version = push_version(stub, bundle)
    promote(stub, version)
    return version


def wait_for(stub: LabelServiceStub, version: pb.Version, alias: str = "production") -> None:
    """Wait until the service answers with this version."""
    request = LabelBatchRequest(task=version.task, alias=alias)
    until(lambda: stub.LabelBatch(request, timeout=10).served.version == version.number)
