"""Texts alone, without a file or fields: the task says which of its fields they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from labelwright.cli.labeling.answering import Answerer, ServiceAnswerer, label_and_ask_why
from labelwright.cli.version_names import VersionName
from labelwright.client import Client, Outcome, RetryPolicy
from labelwright.client.messages.labels import Details
from labelwright.core.errors import ConfigurationError, DeadlineExceeded, NotFound, Unavailable
from labelwright.core.task import FieldType, Task

_ONCE, _LOOK_UP_SECONDS = RetryPolicy(attempts=1), 2.0
"""How the registry is asked for a task's fields: without a way to it, nobody should have to wait."""


def answer_texts(answerer: Answerer, texts: Sequence[str], details: Details) -> list[Outcome]:
    """Return one outcome a text. Raises ConfigurationError if the task needs more than a text."""
    return answerer.answer(text_rows(answerer.task, texts), details)


def text_rows(task: Task, texts: Sequence[str]) -> list[dict[str, str]]:
    """Return the texts as rows. Raises ConfigurationError if the task needs more than a text."""
    field = _text_field(task)
    if field is None:
        raise ConfigurationError(
            f"task {task.name!r} takes more than one text",
            advice=f"give its fields: {' '.join(f'--field {name}=…' for name in task.fields)}",
        )
    return [{field: text} for text in texts]


def ask_service(
    name: VersionName,
    texts: Sequence[str],
    service: str,
    registry: str,
    note: Callable[[str], None],
    details: Details,
) -> list[Outcome]:
    """Return the label service's outcomes. Raises LabelwrightError.

    The registry knows whether the task has features, which are made here. If it cannot be asked, the texts are sent as
    they are: most tasks need no more.
    """
    try:
        answerer = ServiceAnswerer.open(name, service, registry, timeout=_LOOK_UP_SECONDS, retry=_ONCE)
    except (Unavailable, DeadlineExceeded, NotFound) as error:
        with Client(service) as client:
            outcomes = label_and_ask_why(client, name.task, texts, details, **name.selection)
        note(f"{error.message}; the texts were sent as they are, which is right unless the task has features")
        return outcomes
    with closing(answerer):
        return answer_texts(answerer, texts, details)


def _text_field(task: Task) -> str | None:
    """Return the field that a text alone fills, None if a record needs more than that; features are made."""
    required = [item for item in task.fields.values() if not item.optional and item.name not in task.features]
    return required[0].name if len(required) == 1 and required[0].type is FieldType.TEXT else None
