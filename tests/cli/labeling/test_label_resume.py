"""Runs over a file that are killed, disturbed or given again: real processes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from labelwright.client import Client, Registry

from tests.parts.command import Command
from tests.parts.example_bundles import CHAT, SPAM, changed, renamed, serve
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.row_files import UNLABELED, rows_of, without_source, write_rows
from tests.parts.service import Service

ROWS = 8_000
FORMATS = ["jsonl", "csv", "parquet"]

# Runs the command, and kills it at the N-th file in FOLDER that it opens, renames, truncates or removes.
KILLED_AT_A_STEP = """
import os, signal, sys
from labelwright.cli.main import main
left, folder = int(sys.argv.pop(1)), sys.argv.pop(1)
def watch(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.truncate") and str(arguments[0]).startswith(folder):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
main()
"""


class Run:
    """A labeling run as a process of its own."""

    def __init__(
        self, labelwright: Command, *arguments: object, python: Sequence[object] = ("-m", "labelwright.cli")
    ) -> None:
        # Where the tests themselves were started in the background, SIGINT is ignored, and a child would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [sys.executable, *map(str, python), "label", *map(str, arguments)],
            env={**os.environ, **labelwright.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def wait_for(self, file: Path, size: int) -> None:
        while self.process.poll() is None and not (file.exists() and file.stat().st_size > size):
            time.sleep(0.001)
        assert self.process.poll() is None, "the run ended before it could be disturbed"

    def end(self) -> tuple[int, str]:
        _, stderr = self.process.communicate()
        return self.process.returncode, stderr.decode()


def many_rows(path: Path, count: int = ROWS) -> Path:
    return write_rows(path, ({"n": number, "text": f'hi mum, "see" you\n{number}'} for number in range(count)))


def journal_of(output: Path) -> Path:
    return output.with_name(output.name + ".partial.jsonl")


def left_beside(output: Path) -> list[str]:
    return sorted(path.name.removeprefix(output.name) for path in output.parent.glob(f"{output.name}*"))


@pytest.mark.parametrize("ending", FORMATS)
def test_a_run_killed_at_random_ends_with_the_same_bytes(labelwright: Command, tmp_path: Path, ending: str) -> None:
    source = many_rows(tmp_path / "in.jsonl")
    whole, broken = tmp_path / f"whole.{ending}", tmp_path / f"broken.{ending}"
    arguments = ["--local", SPAM, "--input", source, "--output"]
    labelwright("label", *arguments, whole)
    reached = 0
    for size in sorted(random.sample(range(400_000), 3)):
        run = Run(labelwright, *arguments, broken)
        run.wait_for(journal_of(broken), max(size, reached))
        run.process.kill()
        assert run.end()[0] == -signal.SIGKILL
        assert not broken.exists(), "an output appears whole"
        reached = journal_of(broken).stat().st_size
    summary = labelwright.json("label", *arguments, broken)
    assert 0 < summary["resumed"] < summary["rows"] == ROWS
    assert broken.read_bytes() == whole.read_bytes()
    assert left_beside(broken) == ["", ".labelwright.json"]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_run_killed_between_any_two_steps_ends_with_the_same_bytes(
    labelwright: Command, tmp_path: Path, ending: str
) -> None:
    """Of about a dozen steps, some at random, one kill upon the other: before, between and after all of the files."""
    whole, broken = tmp_path / f"whole.{ending}", tmp_path / "broken" / f"out.{ending}"
    broken.parent.mkdir()
    arguments = ["--local", SPAM, "--input", UNLABELED, "--output"]
    labelwright("label", *arguments, whole)
    killed = 0
    for step in random.sample(range(1, 14), 4):
        run = Run(labelwright, *arguments, broken, python=["-c", KILLED_AT_A_STEP, step, broken.parent])
        killed += run.end()[0] == -signal.SIGKILL
        assert not broken.exists() or broken.read_bytes() == whole.read_bytes()
    assert killed
    assert labelwright.json("label", *arguments, broken)["rows"] == len(rows_of(UNLABELED))
    assert broken.read_bytes() == whole.read_bytes()
    assert left_beside(broken) == ["", ".labelwright.json"]


def test_a_run_through_the_service_goes_on_after_a_kill(labelwright: Command, spam: str, tmp_path: Path) -> None:
    source = many_rows(tmp_path / "in.jsonl")
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    labelwright("label", spam, "--input", source, "--output", whole)
    run = Run(labelwright, spam, "--input", source, "--output", broken)
    run.wait_for(journal_of(broken), 50_000)
    run.process.kill()
    assert run.end()[0] == -signal.SIGKILL
    summary = labelwright.json("label", spam, "--input", source, "--output", broken)
    assert 0 < summary["resumed"] < summary["rows"] == ROWS
    assert without_source(whole) == without_source(broken)


def test_an_output_of_another_run_is_not_touched(labelwright: Command, spam: str, tmp_path: Path) -> None:
    source, output = write_rows(tmp_path / "in.jsonl", [{"text": CHAT}] * 3), tmp_path / "out.jsonl"
    labelwright("label", "--local", SPAM, "--input", source, "--output", output)
    before = output.read_bytes()
    other = write_rows(tmp_path / "other.jsonl", [{"text": "another"}] * 3)
    result = labelwright("label", "--local", SPAM, "--input", other, "--output", output, exits=2)
    assert "not the input's" in result.stderr
    shorter = write_rows(tmp_path / "shorter.jsonl", [{"text": CHAT}])
    labelwright("label", "--local", SPAM, "--input", shorter, "--output", output, exits=2)
    assert "another version" in labelwright("label", spam, "--input", source, "--output", output, exits=2).stderr
    labelwright("label", "--local", SPAM, "--input", source, "--output", output, "--explain", exits=2)
    assert output.read_bytes() == before
    assert left_beside(output) == ["", ".labelwright.json"]
    foreign = tmp_path / "foreign.jsonl"
    foreign.write_text("precious")
    labelwright("label", "--local", SPAM, "--input", source, "--output", foreign, exits=2)
    assert (foreign.read_text(), left_beside(foreign)) == ("precious", [""])
    labelwright("label", "--local", SPAM, "--input", source, "--output", foreign, "--overwrite")
    assert len(rows_of(foreign)) == 3


def test_an_output_that_was_edited_is_not_gone_on_with(labelwright: Command, tmp_path: Path) -> None:
    """Sorted by hand, say: labels would come to stand beside other rows."""
    rows: list[dict[str, object]] = [{"text": CHAT}, {"text": ""}]
    source, output = write_rows(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    labelwright("label", "--local", SPAM, "--input", source, "--output", output)
    edited = "".join(reversed(output.read_text().splitlines(keepends=True)))
    output.write_text(edited)
    write_rows(source, [*rows, *rows])
    result = labelwright("label", "--local", SPAM, "--input", source, "--output", output, exits=2)
    assert "was changed since it was finished" in result.stderr
    assert output.read_text() == edited


def test_an_old_output_stays_until_the_new_one_is_whole(labelwright: Command, tmp_path: Path) -> None:
    source, output = many_rows(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    output.write_text("old")
    run = Run(labelwright, "--local", SPAM, "--input", source, "--output", output, "--overwrite")
    run.wait_for(journal_of(output), 50_000)
    run.process.kill()
    run.end()
    assert output.read_text() == "old"
    assert labelwright.json("label", "--local", SPAM, "--input", source, "--output", output)["resumed"] > 0
    assert len(rows_of(output)) == ROWS


def test_an_output_behind_a_link_is_written_where_the_link_leads(labelwright: Command, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out.jsonl").symlink_to(tmp_path / "disk" / "real.jsonl")
    labelwright("label", "--local", SPAM, "--input", UNLABELED, "--output", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").is_symlink()
    assert len(rows_of(tmp_path / "disk" / "real.jsonl")) == len(rows_of(UNLABELED))


def test_a_run_that_labeled_nothing_leaves_nothing(labelwright: Command, spam: str, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    labelwright("label", spam, "--input", UNLABELED, "--output", output, "--service", "127.0.0.1:9", exits=3)
    assert left_beside(output) == []
    labelwright("label", "--local", SPAM, "--input", UNLABELED, "--output", output)


def test_a_run_stays_with_the_version_that_began_it(
    labelwright: Command, registry_client: Registry, client: Client, tmp_path: Path
) -> None:
    bundle = renamed(SPAM, "pinned", tmp_path)
    serve(registry_client, client, bundle)
    source, output = write_rows(tmp_path / "in.jsonl", [{"text": CHAT}]), tmp_path / "out.jsonl"
    labelwright("label", "pinned", "--input", source, "--output", output)
    serve(registry_client, client, changed(bundle, "x"))
    write_rows(source, [{"text": CHAT}] * 2)
    run = Run(labelwright, "pinned", "--input", source, "--output", output)
    assert f"{output} goes on with version 1, which began it" in run.end()[1]
    assert [row["version"] for row in rows_of(output)] == [1, 1]
    labelwright("label", "pinned", "--input", source, "--output", tmp_path / "new.jsonl")
    assert [row["version"] for row in rows_of(tmp_path / "new.jsonl")] == [2, 2]
    output.unlink()  # and the record stays
    write_rows(source, [{"text": CHAT + " then"}])
    labelwright("label", "pinned", "--input", source, "--output", output)
    assert [row["version"] for row in rows_of(output)] == [2]


def test_an_interrupted_run_says_what_it_leaves_and_goes_on(labelwright: Command, spam: str, tmp_path: Path) -> None:
    source, output = many_rows(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    run = Run(labelwright, spam, "--input", source, "--output", output)
    run.wait_for(journal_of(output), 50_000)
    run.process.send_signal(signal.SIGINT)
    code, stderr = run.end()
    assert code == 130
    assert stderr == f"rows so far are in {journal_of(output)}; the same command goes on from there\ninterrupted\n"
    assert labelwright.json("label", spam, "--input", source, "--output", output)["rows"] == ROWS


def test_two_runs_do_not_write_to_one_file(labelwright: Command, spam: str, tmp_path: Path) -> None:
    source, output = many_rows(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    run = Run(labelwright, spam, "--input", source, "--output", output)
    run.wait_for(journal_of(output), 50_000)
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
        run.wait_for(journal_of(output), 50_000)
        service.kill()
        service.start()
        code, stderr = run.end()
        assert code == 0, stderr
        assert [row["n"] for row in rows_of(output)] == list(range(ROWS))
        assert {row["label"] for row in rows_of(output)} == {"ham"}
    finally:
        service.stop()
