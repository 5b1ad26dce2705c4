"""A record gets the same votes whichever way it comes: alone, in batches, locally, exported, natively."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from labelwright.client import Client, Labeling, Registry
from labelwright.core.bundle import Bundle, read_folder
from labelwright.core.errors import AliasNotFound, TaskNotFound
from labelwright.core.vote import is_label

from tests.parts.command import Command
from tests.parts.native import native_votes
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.repository import DATA, ROOT
from tests.parts.service import Service, until

FIXTURES = ROOT / "tests" / "fixtures"
NAMES = ("sms", "agnews")
HERE = Path(__file__).parent

Votes = dict[str, str | None]

_WORDS = (
    "free win £1000 prize call now txt STOP to 80086 08712460324 http://example.com/x?y=1 www.win.example URGENT "
    "lol ok going home luv u dinner tomorrow naïve café Ünïcödé İstanbul ǅ ﬁne ß Σίσυφος привет 你好 日本語 हिन्दी "
    "שלום مرحبا 🎉 👩‍👩‍👧 e\u0301 \u200b \u00a0 \t \n \\ \" ' {} [] 0 -1 ٣ ½ reuters iraq president stocks oil profit "
    "Microsoft software space game season coach 3-2 victory bomb killed minister shares percent $5bn internet"
).split(" ")


def generated(count: int) -> list[str]:
    """Return texts of 0 to 60 words, the same at each call."""
    dice = random.Random(20261124)
    return [" ".join(dice.choices(_WORDS, k=dice.randrange(61))) for _ in range(count)]


def texts_of(name: str) -> list[str]:
    """Return the texts of a data set, none where the data sets are not here."""
    folder = DATA / name
    files = (folder / "unlabeled.jsonl", folder / "test.jsonl")
    lines = [line for file in files if file.exists() for line in file.read_text().splitlines()]
    return [json.loads(line)["text"] for line in lines]


def fixture_bundle(name: str) -> Bundle:
    bundle, findings = read_folder(FIXTURES / name)
    assert bundle is not None, findings
    return bundle


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a service that serves both fixtures and caches nothing: every answer is computed."""
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        registry = RegistryProcess(folder / "registry").start()
        stack.callback(registry.stop)
        service = Service(folder / "service", registry=registry.address, memory_cache_entries=0).start()
        stack.callback(service.stop)
        admin = stack.enter_context(Registry(registry.address))
        for name in NAMES:
            pushed = admin.push(fixture_bundle(name), author="test")
            assert pushed.version is not None, pushed.report
            admin.set_alias(name, pushed.version.number, actor="test", reason="the test")
        made = stack.enter_context(Client(service.address))
        until(lambda: all(serves(made, name) for name in NAMES))
        yield made


def serves(client: Client, task: str) -> bool:
    """Whether the task's production version has come to the label service."""
    try:
        return client.label(task, "hello").version > 0
    except (TaskNotFound, AliasNotFound):
        return False


def natively(bundle: Bundle, texts: list[str]) -> list[Votes]:
    """Return the votes of the Python at hand, without a sandbox."""
    labels = bundle.task.label_names
    rows = native_votes(bundle, [(text,) for text in texts])
    return [
        {name: labels[vote] if is_label(vote) else None for name, vote in zip(bundle.program_names, row, strict=True)}
        for row in rows
    ]


def alone(client: Client, task: str, texts: list[str]) -> list[Labeling]:
    return [client.label(task, text, explain=True) for text in texts]


def batches(client: Client, task: str, texts: list[str], size: int) -> list[Labeling]:
    outcomes = []
    for start in range(0, len(texts), size):
        outcomes += client.label_batch(task, texts[start : start + size], explain=True)
    assert all(isinstance(outcome, Labeling) for outcome in outcomes)
    return [outcome for outcome in outcomes if isinstance(outcome, Labeling)]


def locally(task: str, texts: list[str], folder: Path) -> list[dict[str, object]]:
    """Return the output rows of the command, which uses no server."""
    source, target = folder / "in.jsonl", folder / "out.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    arguments = ("--local", str(FIXTURES / task), "--input", str(source), "--output", str(target), "--explain")
    subprocess.run([sys.executable, "-m", "labelwright.cli.main", "label", *arguments], check=True, capture_output=True)
    return [json.loads(line) for line in target.read_text().splitlines()]


@pytest.mark.parametrize(("task", "generated_count"), [("sms", 10_000), ("agnews", 1_000)])
def test_votes_do_not_depend_on_the_way(client: Client, tmp_path: Path, task: str, generated_count: int) -> None:
    texts = texts_of(task) + generated(generated_count)
    bundle = fixture_bundle(task)
    expected = natively(bundle, texts)
    assert any(label for votes in expected for label in votes.values())

    answers = alone(client, task, texts)
    assert [dict(answer.votes) for answer in answers] == expected
    for size in (7, 256):
        assert batches(client, task, texts, size) == answers
    rows = locally(task, texts, tmp_path)
    assert [row["votes"] for row in rows] == expected
    assert [(row["label"], row["probability"]) for row in rows] == [(a.label, a.probability) for a in answers]


@pytest.mark.slow
def test_an_exported_component_votes_alike_in_another_host(offline: Command, tmp_path: Path) -> None:
    """With the programs of both tasks at once, for a component takes long to build and to compile."""
    folder, target = tmp_path / "both", tmp_path / "out.wasm"
    for name in NAMES:
        shutil.copytree(FIXTURES / name / "programs", folder / "programs", dirs_exist_ok=True)
    labels = {label: text for name in NAMES for label, text in fixture_bundle(name).task.labels.items()}
    (folder / "task.toml").write_text(
        '[task]\nname = "both"\ninstructions = "Both."\n[fields]\ntext = "text"\n[labels]\n'
        + "".join(f"{label} = {json.dumps(text)}\n" for label, text in labels.items())
    )
    document = offline.json("export", folder, target)
    assert document["bytes"] == target.stat().st_size
    texts = [text for name in NAMES for text in texts_of(name)] + generated(10_000)
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    host = [sys.executable, str(HERE / "exported_host.py"), str(target)]
    done = subprocess.run(host, input=lines, check=True, capture_output=True, text=True, encoding="utf-8")
    bundle, findings = read_folder(folder)
    assert bundle is not None, findings
    assert [json.loads(line) for line in done.stdout.splitlines()] == natively(bundle, texts)
