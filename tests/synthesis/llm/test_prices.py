from __future__ import annotations

from pathlib import Path

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.synthesis.llm.prices import Price, read_price


def test_a_price_is_per_million_tokens_in_and_out() -> None:
    assert Price(2.0, 8.0).cost(500_000, 250_000) == pytest.approx(3.0)


def test_dated_names_have_the_price_of_their_model() -> None:
    assert read_price("gpt-4o-2024-08-06") == read_price("gpt-4o") is not None
    assert read_price("gpt-4o-mini") != read_price("gpt-4o")


def test_an_unknown_model_has_no_price() -> None:
    assert read_price("qwen2.5-coder-1.5b-instruct") is None


@pytest.mark.parametrize(
    "text", ["models = 3", "not toml", 'as_of = "x"\n[models.m]\ninput = -1\noutput = 1', "a = " + "[" * 5000]
)
def test_a_bad_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"prices\.toml"):
        read_price("m", path)
