"""Programs run by the Python at hand, without a sandbox: what the sandbox's votes are compared with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence

from assay.core.bundle import Bundle

Votes = dict[str, str | None]


def native_votes(bundle: Bundle, records: Sequence[Mapping[str, object]]) -> list[Votes]:
    """Return each record's votes by program. The programs are the project's own and raise nothing."""
    functions = {program.name: _function(program.source) for program in bundle.programs}
    return [
        {name: function(*[record[field] for field in fields]) for name, (function, fields) in functions.items()}
        for record in records
    ]


def _function(source: str) -> tuple[Callable[..., str | None], list[str]]:
    namespace: dict[str, object] = {"__name__": "program"}
    exec(compile(source, "program", "exec", dont_inherit=True), namespace)
    function = namespace["label"]
    assert callable(function)
    return function, list(inspect.signature(function).parameters)
