from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from labelwright.client import Client, Registry

from tests.parts.command import Command
from tests.parts.example_bundles import SPAM, changed, renamed, serve
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.row_files import UNLABELED, rows_of, without_source, write_rows
from tests.parts.service import Service


class Run:
    """A labeling run as a process of its own."""

    def __init__(self, labelwright: Command, *arguments: object) -> None:
        # Where the tests themselves were started in the background, SIGINT is ignored, and a child would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        words = [sys.executable, "-m", "labelwright.cli", "label", *map(str, arguments)]
        self.process = subprocess.Popen(
            words, env={**os.environ, **labelwright.environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def wait_for(self, file: Path, size: int) -> None:
        while self.process.poll() is None and not (file.exists() and file.stat().st_size > size):
            time.sleep(0.001)
        assert self.process.poll() is None, "the run ended before it could be disturbed"

    def end(self) -> tuple[int, str]:
        _, told = self.process.communicate()
        return self.process.returncode, told.decode()


ROWS = 8_000


def many_rows(path: Path) -> Path:
    return write_rows(path, [{"n": number, "text": f'hi mum, "see" you\n{number}'} for number in range(ROWS)])


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_killed_run_goes_on_and_ends_with_the_same_file(
    labelwright: Command, spam: str, tmp_path: Path, ending: str
) -> None:
    source = many_rows(tmp_path / "in.jsonl")
    whole, broken = tmp_path / f"whole.{ending}", tmp_path / f"broken.{ending}"
    labelwright("label", spam, "--input", source, "--output", whole)
    growing = tmp_path / "broken.parquet.partial.jsonl" if ending == "parquet" else broken
    run = Run(labelwright, spam, "--input", source, "--output", broken)
    run.wait_for(growing, 50_000)
    run.process.kill()
    assert run.end()[0] == -signal.SIGKILL
    with growing.open("ab") as torn:
        torn.write(b'{"n": 99, "te')  # what a torn write leaves
    summary = labelwright.json("label", spam, "--input", source, "--output", broken)
    assert 0 < summary["resumed"] < summary["rows"] == ROWS
    # Where an answer came from depends on what the server remembers; everything else is the same.
    if ending == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        first, second = (parquet.read_table(path).drop(["source"]) for path in (whole, broken))
        assert first.equals(second)
        assert not growing.exists()
    elif ending == "csv":
        texts = [path.read_text().replace("computed", "memory") for path in (whole, broken)]
        assert texts[0] == texts[1]
    else:
        assert without_source(whole) == without_source(broken)


def test_a_local_run_that_was_cut_ends_with_the_same_bytes(offline: Command, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.csv", tmp_path / "broken.csv"
    for output in (whole, broken):
        offline("label", "--local", SPAM, "--input", UNLABELED, "--output", output)
    content = whole.read_bytes()
    for cut in (0, 10, 100, 5_000, len(content) - 1):
        broken.write_bytes(content[:cut])
        offline("label", "--local", SPAM, "--input", UNLABELED, "--output", broken)
        assert broken.read_bytes() == content


def test_a_rerun_takes_up_rows_that_came_since(offline: Command, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": "hi mum, see you"}]
    source, output = write_rows(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    offline("label", "--local", SPAM, "--input", source, "--output", output)
    assert offline.json("label", "--local", SPAM, "--input", source, "--output", output)["resumed"] == 1
    write_rows(source, rows * 3)
    summary = offline.json("label", "--local", SPAM, "--input", source, "--output", output)
    assert (summary["resumed"], summary["rows"]) == (1, 3)


def test_an_output_of_another_run_is_not_touched(labelwright: Command, spam: str, tmp_path: Path) -> None:
    source, output = write_rows(tmp_path / "in.jsonl", [{"text": "hi mum, see you"}] * 3), tmp_path / "out.jsonl"
    labelwright("label", "--local", SPAM, "--input", source, "--output", output)
    before = output.read_bytes()
    other = write_rows(tmp_path / "other.jsonl", [{"text": "another"}] * 3)
    assert (
        "not the input's" in labelwright("label", "--local", SPAM, "--input", other, "--output", output, exits=2).stderr
    )
    shorter = write_rows(tmp_path / "shorter.jsonl", [{"text": "hi mum, see you"}])
    labelwright("label", "--local", SPAM, "--input", shorter, "--output", output, exits=2)
    assert "another version" in labelwright("label", spam, "--input", source, "--output", output, exits=2).stderr
    labelwright("label", "--local", SPAM, "--input", source, "--output", output, "--explain", exits=2)
    assert output.read_bytes() == before
    foreign = tmp_path / "foreign.jsonl"
    foreign.write_text("precious")
    labelwright("label", "--local", SPAM, "--input", source, "--output", foreign, exits=2)
    assert foreign.read_text() == "precious"
    labelwright("label", "--local", SPAM, "--input", source, "--output", foreign, "--overwrite")
    assert len(rows_of(foreign)) == 3


def test_a_run_stays_with_the_version_that_began_it(
    labelwright: Command, registry_client: Registry, client: Client, tmp_path: Path
) -> None:
    bundle = renamed(SPAM, "pinned", tmp_path)
    serve(registry_client, client, bundle)
    source, output = write_rows(tmp_path / "in.jsonl", [{"text": "hi mum, see you"}]), tmp_path / "out.jsonl"
    labelwright("label", "pinned", "--input", source, "--output", output)
    serve(registry_client, client, changed(bundle, "x"))
    write_rows(source, [{"text": "hi mum, see you"}] * 2)
    labelwright("label", "pinned", "--input", source, "--output", output)
    assert [row["version"] for row in rows_of(output)] == [1, 1]
    labelwright("label", "pinned", "--input", source, "--output", tmp_path / "new.jsonl")
    assert [row["version"] for row in rows_of(tmp_path / "new.jsonl")] == [2, 2]


def test_an_interrupted_run_says_so_and_goes_on(labelwright: Command, spam: str, tmp_path: Path) -> None:
    source, output = many_rows(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    run = Run(labelwright, spam, "--input", source, "--output", output)
    run.wait_for(output, 50_000)
    run.process.send_signal(signal.SIGINT)
    code, told = run.end()
    assert (code, told) == (130, "interrupted\n")
    assert labelwright.json("label", spam, "--input", source, "--output", output)["rows"] == ROWS


def test_two_runs_do_not_write_to_one_file(labelwright: Command, spam: str, tmp_path: Path) -> None:
    source, output = many_rows(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    run = Run(labelwright, spam, "--input", source, "--output", output)
    run.wait_for(output, 50_000)
    run.process.send_signal(signal.SIGSTOP)
    result = labelwright("label", spam, "--input", source, "--output", output, exits=2)
    assert "another run is writing" in result.stderr
    run.process.send_signal(signal.SIGCONT)
    assert run.end()[0] == 0
    assert len(rows_of(output)) == ROWS


def test_a_run_waits_for_a_label_service_that_restarts(
    registry: RegistryProcess, registry_client: Registry, tmp_path: Path
) -> None:
    service = Service(tmp_path / "service", registry=registry.address).start()
    service.settings["listen"] = service.address
    with Client(service.address) as one:
        serve(registry_client, one, SPAM)
    source, output = many_rows(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    run = Run(Command(registry.address, service.address), "spam", "--input", source, "--output", output)
    try:
        run.wait_for(output, 50_000)
        service.kill()
        service.start()
        code, told = run.end()
        assert code == 0, told
        assert [row["n"] for row in rows_of(output)] == list(range(ROWS))
        assert {row["label"] for row in rows_of(output)} == {"ham"}
    finally:
        service.stop()
