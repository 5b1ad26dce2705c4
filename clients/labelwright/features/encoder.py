"""A text encoder for a task that names none: the field and the feature that it adds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from labelwright.core.errors import ConfigurationError
from labelwright.core.task import FieldType, Task, parse_task
from labelwright.features.onnx_text import MODEL_FILE

FIELD = "encoding"
_TABLES = """
[fields.{field}]
type = "numbers"

[features.{field}]
extractor = "onnx-text"
source = {source}
model = {model}
digest = "sha256:{digest}"
"""


def add_encoder(task: Task, folder: Path) -> Task:
    """Return the task with a field that the encoder in ``folder`` makes out of its first field of text.

    Raises ConfigurationError where the task has no text or has a feature already, or there is no model.
    """
    texts = task.fields_of(FieldType.TEXT)
    if not texts or task.features or FIELD in task.fields:
        raise ConfigurationError(
            "the task cannot have an encoder added to it",
            advice=f"it needs a field of text, and neither a feature nor a field {FIELD!r}: see docs/features.md",
        )
    model = folder / MODEL_FILE
    if not model.is_file():
        raise ConfigurationError(f"{model} is missing", advice="name the folder that holds the encoder")
    with model.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    # A string of JSON is one of TOML.
    tables = _TABLES.format(field=FIELD, source=json.dumps(texts[0].name), model=json.dumps(str(folder)), digest=digest)
    added, findings = parse_task(f"{task.toml.rstrip()}\n{tables}")
    if added is None:
        raise ConfigurationError(
            f"an encoder cannot be added to task.toml: {findings[0].message}", advice="write [fields] as a table"
        )
    return added
