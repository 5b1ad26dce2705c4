"""Parquet output, made of a journal's rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from labelwright.cli.extras import require
from labelwright.cli.rows.journal import Journal
from labelwright.cli.rows.output_row import ADDED, kept_columns
from labelwright.cli.rows.row_reading import ParquetRows

_CHUNK = 4096
_TYPES = {"probability": "float64", "version": "int64"}
"""Of the added columns; the others are text."""


def write_parquet(
    journal: Journal, path: Path, columns: tuple[str, ...], *, typed: ParquetRows | None, explain: bool
) -> None:
    """Write the journal's rows. Input columns have types and values of ``typed``, else such as are found in the rows.

    ``votes`` are JSON text.
    """
    parquet = require("pyarrow.parquet", "parquet", "writing Parquet")
    names = kept_columns(tuple(typed.schema.names) if typed else columns)
    schema = _typed_schema(typed, names) if typed else _found_schema(journal, names)
    for name in ADDED:
        if explain or name != "votes":
            schema = schema.append(_arrow().field(name, _arrow().type_for_alias(_TYPES.get(name, "string"))))
    with parquet.ParquetWriter(path, schema) as writer:
        rows = _rows(journal, names, typed)
        while chunk := list(islice(rows, _CHUNK)):
            writer.write_table(_arrow().Table.from_pylist([_flat(row, schema) for row in chunk], schema=schema))


def _arrow() -> Any:
    return require("pyarrow", "parquet", "writing Parquet")


def _typed_schema(typed: ParquetRows, names: Mapping[str, str]) -> Any:
    return _arrow().schema([item.with_name(names[item.name]) for item in typed.schema])


def _found_schema(journal: Journal, names: Mapping[str, str]) -> Any:
    """Find the input columns' types, in order of appearance; a column of several types becomes JSON text."""
    arrow = _arrow()
    types = dict.fromkeys(names, arrow.null())
    rows = (columns for columns, _ in journal.entries())
    while chunk := list(islice(rows, _CHUNK)):
        for name, before in types.items():
            try:
                kind = arrow.array([row.get(name) for row in chunk]).type
                schemas = [arrow.schema([(name, item)]) for item in (before, kind)]
                types[name] = arrow.unify_schemas(schemas, promote_options="permissive").field(name).type
            except arrow.ArrowException:
                types[name] = arrow.string()
    return arrow.schema(
        [(names[name], arrow.string() if kind == arrow.null() else kind) for name, kind in types.items()]
    )


def _rows(journal: Journal, names: Mapping[str, str], typed: ParquetRows | None) -> Iterator[dict[str, Any]]:
    values = (row.columns for row in typed.rows()) if typed else (columns for columns, _ in journal.entries())
    for columns, (_, added) in zip(values, journal.entries(), strict=True):
        yield {names[name]: value for name, value in columns.items()} | added


def _flat(row: dict[str, Any], schema: Any) -> dict[str, Any]:
    """Turn what a text column cannot hold as it is into JSON text."""
    flat = {}
    for name in schema.names:
        value = row.get(name)
        is_text = schema.field(name).type == _arrow().string()
        flat[name] = json.dumps(value, ensure_ascii=False) if is_text and not isinstance(value, str | None) else value
    return flat
