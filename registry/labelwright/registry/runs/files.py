"""Files of refresh runs in the database, kept until the run ends, and their cost."""

from __future__ import annotations

from labelwright.core.errors import RunFileNotFound, StorageFull
from labelwright.core.run import RunCost
from labelwright.registry.runs.rows import leased_run, require_run
from labelwright.registry.runs.runs import Clock, utc_now
from labelwright.registry.store.database import Database
from labelwright.registry.store.models import RunFileRow, RunRow
from sqlalchemy import func, select, update

MAX_RUN_FILES = 20_000
"""Files that one run keeps."""
MAX_RUN_BYTES = 256 << 20
"""Bytes of all files that one run keeps."""


class RunFileStore:
    """Keeps and finds files of runs."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def put(self, run_id: int, lease: str, name: str, content: bytes, cost: RunCost | None) -> bool:
        """Keep the file and return whether it is new; the cost is booked only then.

        Raises LeaseLost, RunNotFound, and StorageFull where the run would keep too many files or bytes.
        """
        with self._database.writing() as session:
            row = leased_run(session, run_id, lease, self._clock())
            key = (RunFileRow.run_id == run_id) & (RunFileRow.name == name)
            before = session.scalar(select(RunFileRow.size).where(key))
            row.files += before is None
            row.file_bytes += len(content) - (before or 0)
            _require_room(row)
            if before is None:
                session.add(RunFileRow(run_id=run_id, name=name, size=len(content), content=content))
                _book(row, cost or RunCost())
            else:
                session.execute(update(RunFileRow).where(key).values(size=len(content), content=content))
            return before is None

    def get(self, run_id: int, name: str) -> bytes:
        """Return the file's content. Raises RunFileNotFound, RunNotFound."""
        with self._database.reading() as session:
            require_run(session, run_id)
            row = session.get(RunFileRow, (run_id, name))
            if row is None:
                raise RunFileNotFound(
                    f"run {run_id} keeps no file {ascii(name)[:80]}",
                    advice="list its files; they go when it ends",
                    run=run_id,
                )
            return row.content

    def names(self, run_id: int, prefix: str) -> list[str]:
        """Return the names that begin with ``prefix``, sorted. Raises RunNotFound."""
        # LIKE treats some characters as patterns, and on SQLite ignores case.
        begins = func.substr(RunFileRow.name, 1, len(prefix)) == prefix
        with self._database.reading() as session:
            require_run(session, run_id)
            # Sorted here, since each database has a collation of its own.
            return sorted(session.scalars(select(RunFileRow.name).where(RunFileRow.run_id == run_id, begins)))


def _book(row: RunRow, cost: RunCost) -> None:
    total = RunCost(row.calls, row.tokens_in, row.tokens_out, row.dollars) + cost
    row.calls, row.tokens_in, row.tokens_out = total.calls, total.tokens_in, total.tokens_out
    row.dollars = total.dollars


def _require_room(row: RunRow) -> None:
    if row.files > MAX_RUN_FILES:
        raise StorageFull(
            f"run {row.id} keeps {MAX_RUN_FILES:,} files already", advice="write fewer, larger files", run=row.id
        )
    if row.file_bytes > MAX_RUN_BYTES:
        raise StorageFull(
            f"run {row.id} would keep {row.file_bytes:,} bytes; {MAX_RUN_BYTES:,} are allowed",
            advice="keep less of it",
            run=row.id,
        )
