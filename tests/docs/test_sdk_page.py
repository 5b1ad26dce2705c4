from __future__ import annotations

import doctest
import re

import pytest
from labelwright.client import Registry

from tests.parts.repository import EXAMPLES, ROOT

PAGE = ROOT / "docs" / "sdk.md"


def test_the_examples_run(
    registry: object, service: object, registry_client: Registry, spam: str, sensors: str
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:7400", service.address).replace("127.0.0.1:7420", registry.address)  # type: ignore[attr-defined]
    text = text.replace("examples/spam/bundle", str(EXAMPLES / "spam" / "bundle"))
    try:
        parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
        failures: list[str] = []
        page = parser.get_doctest(text, {}, "sdk.md", str(PAGE), 0)
        assert len(page.examples) > 20
        if runner.run(page, out=failures.append).failed:
            pytest.fail("".join(failures), pytrace=False)
    finally:
        registry_client.delete_alias(spam, "candidate")


def test_every_public_name_is_on_the_page_or_belongs_to_a_result() -> None:
    import labelwright.client

    text = PAGE.read_text(encoding="utf-8")
    doers = [
        "Client",
        "AsyncClient",
        "Registry",
        "RunClient",
        "Labeling",
        "Failure",
        "RetryPolicy",
        "LabelwrightError",
        "VoteError",
    ]
    assert set(doers) <= set(labelwright.client.__all__)
    assert [name for name in doers if not re.search(rf"\b{name}\b", text)] == []
