"""The progress bar, on standard error, where that is a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn


@contextlib.contextmanager
def progress_over(
    console: Console, title: str, total: int | None, position: Callable[[], tuple[int, int]], *, shown: bool = True
) -> Iterator[Callable[[], None]]:
    """Show a bar while the block runs; the block calls the function that it gets now and then.

    ``position`` returns how much of ``total`` is done and how many rows that are.
    """
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
    with bar:
        task = bar.add_task(title, total=total, rows=0)

        def advanced() -> None:
            done, rows = position()
            bar.update(task, completed=done, rows=rows)

        yield advanced
