"""Parquet's values as Python's: times that Python has no type for become text, as ISO 8601 writes them. Pure.

Python's times end at microseconds and at the year 9999; Parquet's do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""In a second."""
_DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal() - 1
_CYCLE, _CYCLE_YEARS = 146_097, 400
"""Days and years after which the calendar begins again."""


def values_of(column: Any) -> list[Any]:
    """Return the values of an Arrow array. Nanoseconds are always text, whatever else is installed."""
    if "[ns" not in str(column.type):
        try:
            return column.to_pylist()  # type: ignore[no-any-return]
        except (ValueError, OverflowError):
            pass
    return [_value(scalar) for scalar in column]


def duration_text(count: int, per_second: int) -> str:
    """Return a duration in seconds, such as PT1.5S."""
    seconds, rest = divmod(abs(count), per_second)
    return f"{'-' if count < 0 else ''}PT{seconds}{_fraction(rest, per_second).rstrip('0')}S"


def _value(scalar: Any) -> Any:
    if scalar is None or not scalar.is_valid:
        return None
    kind = str(scalar.type)
    for begin, text in _TEXTS.items():
        if kind.startswith(begin):
            if "[ns" in kind:
                return text(scalar)
            try:
                return scalar.as_py()
            except (ValueError, OverflowError):
                return text(scalar)
    if kind.startswith("struct<"):
        return {name: _value(part) for name, part in scalar.items()}
    if kind.startswith("map<"):
        return [(_value(entry["key"]), _value(entry["value"])) for entry in scalar.values]
    if "list" in kind.partition("<")[0]:
        return [_value(item) for item in scalar.values]
    if kind.startswith("dictionary<"):
        return _value(scalar.value)
    return scalar.as_py()


def _timestamp(scalar: Any) -> str:
    per_second = _UNITS[scalar.type.unit]
    seconds, rest = divmod(scalar.value, per_second)
    days, seconds = divmod(seconds, _DAY)
    zone = "" if scalar.type.tz is None else "+00:00"
    return f"{_date(days)}T{_clock(seconds)}{_fraction(rest, per_second)}{zone}"


def _time(scalar: Any) -> str:
    per_second = _UNITS[scalar.type.unit]
    seconds, rest = divmod(scalar.value, per_second)
    return _clock(seconds) + _fraction(rest, per_second)


def _duration(scalar: Any) -> str:
    return duration_text(scalar.value, _UNITS[scalar.type.unit])


_TEXTS: Mapping[str, Callable[[Any], str]] = {
    "timestamp[": _timestamp,
    "time32[": _time,
    "time64[": _time,
    "duration[": _duration,
    "date32[": lambda scalar: _date(scalar.value),
    "date64[": lambda scalar: _date(scalar.value // (_DAY * 1000)),
}


def _date(days: int) -> str:
    cycles, rest = divmod(days + _EPOCH, _CYCLE)
    within = date.fromordinal(rest + 1)
    year = within.year + _CYCLE_YEARS * cycles
    return f"{year:04d}{within:-%m-%d}" if 0 <= year <= 9999 else f"{year:+05d}{within:-%m-%d}"


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _fraction(rest: int, per_second: int) -> str:
    """Return what is left of a second: nothing, six digits as Python writes them, or all nine."""
    nanoseconds = rest * (10**9 // per_second)
    digits = f"{nanoseconds:09d}"
    return f".{digits if nanoseconds % 1000 else digits[:6]}" if nanoseconds else ""
