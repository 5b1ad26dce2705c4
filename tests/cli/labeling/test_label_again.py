"""Laws of a run over a file that is given again, in every format."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelwright.cli.labeling.answering import FolderAnswerer
from labelwright.cli.labeling.file import FileJob, FileResult, label_file
from labelwright.cli.screen import Screen
from labelwright.client.messages.labels import Details

from tests.parts.example_bundles import CHAT, PRIZE, SPAM
from tests.parts.row_files import write_rows

FORMATS = ["jsonl", "csv", "parquet"]
texts = st.sampled_from([CHAT, PRIZE, 'a "quoted",\r\nline', "", "é\u2028"])
# Columns that come and go, with names that labeling adds, a text that is missing: such a row fails.
rows = st.lists(
    st.fixed_dictionaries({}, optional={"text": texts, "label": texts, "input_label": texts, "n": st.integers(0, 9)}),
    max_size=7,
)
slowly = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def answerer() -> Iterator[FolderAnswerer]:
    opened = FolderAnswerer.open(SPAM)
    yield opened
    opened.close()


@contextmanager
def new_folder() -> Iterator[Path]:
    """Stand in for tmp_path, which hypothesis' examples would share."""
    folder = Path(tempfile.mkdtemp(prefix="labelwright-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def label(answerer: FolderAnswerer, source: Path, output: Path | str, *, explain: bool = True) -> FileResult:
    job = FileJob(str(source), str(output), "", "", "folder spam", Details(explain), overwrite=False)
    return label_file(job, answerer, Screen(json=True))


def whole(answerer: FolderAnswerer, source: Path, ending: str) -> bytes:
    output = source.with_name(f"whole.{ending}")
    label(answerer, source, output)
    return output.read_bytes()


@pytest.mark.parametrize("ending", FORMATS)
@slowly
@given(rows=rows.filter(bool), data=st.data())
def test_a_journal_that_was_cut_anywhere_becomes_the_same_output(
    answerer: FolderAnswerer, ending: str, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    pytest.importorskip("pyarrow")
    with new_folder() as folder:
        source, output = write_rows(folder / "in.jsonl", rows), folder / f"out.{ending}"
        obstacle = folder / f"out.{ending}.new"
        obstacle.mkdir()  # stands where the output is written, so that the run ends with a complete journal
        with pytest.raises(OSError, match="directory"):
            label(answerer, source, output)
        obstacle.rmdir()
        journal = folder / f"out.{ending}.partial.jsonl"
        content = journal.read_bytes()
        cut = data.draw(st.integers(0, len(content)))
        journal.write_bytes(content[:cut])
        counts = label(answerer, source, output).counts
        assert counts.resumed == content[:cut].count(b"\n")
        assert counts.rows == len(rows)
        assert output.read_bytes() == whole(answerer, source, ending)
        assert not journal.exists()


@pytest.mark.parametrize("ending", FORMATS)
@slowly
@given(rows=rows, more=rows)
def test_rows_that_came_since_are_labeled_and_no_other(
    answerer: FolderAnswerer, ending: str, rows: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    pytest.importorskip("pyarrow")
    with new_folder() as folder:
        source, output = write_rows(folder / "in.jsonl", rows), folder / f"out.{ending}"
        label(answerer, source, output)
        finished = output.read_bytes()
        assert label(answerer, source, output).counts.resumed == len(rows)
        assert output.read_bytes() == finished
        write_rows(source, rows + more)
        counts = label(answerer, source, output).counts
        assert (counts.resumed, counts.rows) == (len(rows), len(rows + more))
        assert output.read_bytes() == whole(answerer, source, ending)


@slowly
@given(rows=rows)
def test_a_file_holds_what_standard_output_would_show(answerer: FolderAnswerer, rows: list[dict[str, Any]]) -> None:
    with new_folder() as folder:
        source = write_rows(folder / "in.jsonl", rows)
        shown = io.TextIOWrapper(io.BytesIO())
        with redirect_stdout(shown):
            label(answerer, source, "-")
        shown.seek(0)
        assert whole(answerer, source, "jsonl") == shown.buffer.read()


@pytest.mark.parametrize("ending", FORMATS)
def test_what_was_counted_before_is_counted_again(answerer: FolderAnswerer, tmp_path: Path, ending: str) -> None:
    pytest.importorskip("pyarrow")
    source = write_rows(tmp_path / "in.jsonl", [{"text": CHAT}, {"text": PRIZE}, {"text": ""}, {}])
    first = label(answerer, source, tmp_path / f"out.{ending}").counts
    again = label(answerer, source, tmp_path / f"out.{ending}").counts
    assert (first.labels, first.abstained, first.failed) == (again.labels, again.abstained, again.failed)
    assert first.failures == again.failures
    assert (first.resumed, again.resumed) == (0, 4)
