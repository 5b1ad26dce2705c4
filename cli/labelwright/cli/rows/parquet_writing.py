"""Parquet output, made of a journal's rows."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from labelwright.cli.extras import require
from labelwright.cli.rows.journal import Journal
from labelwright.cli.rows.output_row import added_names, kept_columns, whole_text
from labelwright.cli.rows.row_reading import ParquetRows
from labelwright.client.messages.labels import Details

_CHUNK = 4096
_TYPES = {"probability": "float64", "version": "int64"}
"""Of the added columns; the others are text."""


def write_parquet(
    journal: Journal, path: Path, columns: tuple[str, ...], *, typed: ParquetRows | None, details: Details
) -> None:
    """Write the journal's rows. Input columns are those of ``typed`` as they came, else typed by what the rows hold.

    What Parquet has no type for becomes text: a column of several types, integers beyond 64 bits. Votes and
    distributions are JSON text. Half of a surrogate pair becomes U+FFFD.
    """
    require("pyarrow.parquet", "parquet", "writing Parquet")
    added = [(name, _arrow().type_for_alias(_TYPES.get(name, "string"))) for name in added_names(details)]
    if typed:
        _write_typed(journal, path, typed, added)
        return
    kept = kept_columns(columns)
    found = _found_types(journal, kept)
    while (misfit := _write_found(journal, path, kept, found, added)) is not None:
        found[misfit] = _arrow().string()


def _arrow() -> Any:
    return require("pyarrow", "parquet", "writing Parquet")


def _writer(path: Path | io.BytesIO, schema: Any) -> Any:
    return require("pyarrow.parquet", "parquet", "writing Parquet").ParquetWriter(path, schema)


def _write_typed(journal: Journal, path: Path, typed: ParquetRows, added: Sequence[tuple[str, Any]]) -> None:
    kept = kept_columns(tuple(typed.schema.names))
    schema = _arrow().schema([*(item.with_name(kept[item.name]) for item in typed.schema), *map(_field, added)])
    entries = journal.entries()
    with _writer(path, schema) as writer:
        for batch in typed.batches():
            rows = [labels for _, labels in islice(entries, len(batch))]
            arrays = batch.columns + [_array(_cells(rows, name, kind), kind) for name, kind in added]
            writer.write_table(_arrow().Table.from_arrays(arrays, schema=schema))


def _write_found(
    journal: Journal, path: Path, kept: Mapping[str, str], found: Mapping[str, Any], added: Sequence[tuple[str, Any]]
) -> str | None:
    """Write the file; return the first input column that holds what its type does not, None where all fit."""
    names = [whole_text(kept[name]) for name in found]
    schema = _arrow().schema([*zip(names, found.values(), strict=True), *added])
    entries = journal.entries()
    with _writer(path, schema) as writer:
        while chunk := list(islice(entries, _CHUNK)):
            arrays = []
            for name, kind in found.items():
                try:
                    arrays.append(_array(_cells([row for row, _ in chunk], name, kind), kind))
                except (_arrow().ArrowException, OverflowError):
                    return name
            arrays += [_array(_cells([labels for _, labels in chunk], name, kind), kind) for name, kind in added]
            writer.write_table(_arrow().Table.from_arrays(arrays, schema=schema))
    return None


def _found_types(journal: Journal, columns: Iterable[str]) -> dict[str, Any]:
    """Find the input columns' types, in order of appearance; a column of several types is text."""
    arrow = _arrow()
    found = dict.fromkeys(columns, arrow.null())
    rows = (row for row, _ in journal.entries())
    while chunk := list(islice(rows, _CHUNK)):
        for name, before in found.items():
            try:
                kind = _array([row.get(name) for row in chunk]).type
                schemas = [arrow.schema([("", item)]) for item in (before, kind)]
                found[name] = arrow.unify_schemas(schemas, promote_options="permissive").field(0).type
            except (arrow.ArrowException, OverflowError):
                found[name] = arrow.string()
    return {name: kind if _can_be_written(kind) else arrow.string() for name, kind in found.items()}


def _can_be_written(kind: Any) -> bool:
    """Whether Parquet has such a type: not for objects without a member, nor for nothing at all."""
    if kind == _arrow().null():
        return False
    try:
        _writer(io.BytesIO(), _arrow().schema([("", kind)])).close()
    except _arrow().ArrowException:
        return False
    return True


def _field(named: tuple[str, Any]) -> Any:
    return _arrow().field(*named)


def _cells(rows: Sequence[Mapping[str, Any]], name: str, kind: Any) -> list[Any]:
    """Return a column's values; in one of text, what is none as JSON."""
    values = [row.get(name) for row in rows]
    if kind != _arrow().string():
        return values
    return [value if isinstance(value, str | None) else json.dumps(value, ensure_ascii=False) for value in values]


def _array(values: list[Any], kind: Any = None) -> Any:
    if kind is not None and _arrow().types.is_nested(kind):
        values = [_whole(value) for value in values]  # a key is not found in silence
    try:
        return _arrow().array(values, kind)
    except UnicodeEncodeError:
        return _arrow().array([_whole(value) for value in values], kind)


def _whole(value: Any) -> Any:
    match value:
        case str():
            return whole_text(value)
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {whole_text(name): _whole(item) for name, item in value.items()}
        case _:
            return value
