"""What tokens cost, by model: a table in a file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from labelwright.core.errors import ConfigurationError
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Setting

DEFAULT_PRICES = Path(__file__).with_name("prices.toml")
_DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
_Dollars = Annotated[float, Setting(ge=0)]


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """Return US dollars."""
        return (tokens_in * self.input + tokens_out * self.output) / 1e6


class _PriceEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    input: _Dollars
    output: _Dollars


class _PriceFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: str
    models: dict[str, _PriceEntry]


def read_price(model: str, path: Path = DEFAULT_PRICES) -> Price | None:
    """Return the model's price, None where the table does not know it. Raises ConfigurationError for a bad table."""
    try:
        table = _PriceFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"the price table {path} cannot be read: {_first_line(error)}") from error
    entry = table.models.get(model) or table.models.get(_DATED.sub("", model))
    return Price(entry.input, entry.output) if entry else None


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
