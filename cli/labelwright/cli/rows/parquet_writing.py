"""Parquet output: made at the end, from the rows that were written line by line before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from labelwright.cli.extras import require
from labelwright.cli.rows.output_row import ADDED, kept_columns
from labelwright.cli.rows.row_reading import ParquetRows

_CHUNK = 4096


def write_parquet(journal: Path, output: Path, *, source: ParquetRows | None, explain: bool) -> None:
    """Turn the JSON Lines in ``journal`` into ``output``, whole or not at all.

    Input columns keep the types of ``source`` where the input is Parquet; otherwise the types are found in the rows.
    ``votes`` are JSON text.
    """
    parquet = require("pyarrow.parquet", "parquet", "writing Parquet")
    names = tuple(name for name in ADDED if explain or name != "votes")
    schema = _typed(source.schema) if source else _found_schema(journal)
    for name in names:
        kind = {"probability": "float64", "version": "int64"}.get(name, "string")
        schema = schema.append(_arrow().field(name, _arrow().type_for_alias(kind)))
    draft = output.with_name(output.name + ".new")
    with parquet.ParquetWriter(draft, schema) as writer:
        rows = _rows(journal)
        kept = (row.columns for row in source.rows()) if source else None
        while chunk := list(islice(rows, _CHUNK)):
            if kept:
                chunk = [_merged(before, row) for before, row in zip_longest(islice(kept, len(chunk)), chunk)]
            writer.write_table(_arrow().Table.from_pylist([_flat(row, schema) for row in chunk], schema=schema))
    draft.replace(output)


def _arrow() -> Any:
    return require("pyarrow", "parquet", "writing Parquet")


def _typed(schema: Any) -> Any:
    kept = kept_columns(tuple(schema.names))
    return _arrow().schema([item.with_name(kept[item.name]) for item in schema])


def _merged(before: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    names = kept_columns(tuple(before))
    return {names[name]: value for name, value in before.items()} | {name: row.get(name) for name in ADDED}


def _found_schema(journal: Path) -> Any:
    """Find the input columns' types, in order of appearance; a column of several types becomes JSON text."""
    arrow = _arrow()
    found: dict[str, Any] = {}
    rows = _rows(journal)
    while chunk := list(islice(rows, _CHUNK)):
        for name in dict.fromkeys(name for row in chunk for name in row if name not in ADDED):
            try:
                kind = arrow.array([row.get(name) for row in chunk]).type
                schemas = [arrow.schema([(name, item)]) for item in (found.get(name, arrow.null()), kind)]
                found[name] = arrow.unify_schemas(schemas, promote_options="permissive").field(name).type
            except arrow.ArrowException:
                found[name] = arrow.string()
    return arrow.schema([(name, arrow.string() if kind == arrow.null() else kind) for name, kind in found.items()])


def _flat(row: dict[str, Any], schema: Any) -> dict[str, Any]:
    """Turn what a text column cannot hold as it is into JSON text."""
    flat = {}
    for name in schema.names:
        value = row.get(name)
        is_text = schema.field(name).type == _arrow().string()
        flat[name] = json.dumps(value, ensure_ascii=False) if is_text and not isinstance(value, str | None) else value
    return flat


def _rows(journal: Path) -> Iterator[dict[str, Any]]:
    with journal.open("rb") as lines:
        for line in lines:
            yield json.loads(line)
