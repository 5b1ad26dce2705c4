"""Makes deploy/prometheus/consoles/operations.html, the page that alerts link to, from docs/operations.md.

Run it after a change of that page: ``python tools/runbooks.py``.

Prometheus serves it itself as one of its console templates, so that what stands in a template's braces is escaped.
Links to other pages of docs/ become their text: they are not there.
"""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "docs" / "operations.md"
PAGE = ROOT / "deploy" / "prometheus" / "consoles" / "operations.html"
_HEAD = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Labelwright: operations</title>
<style>
body { font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word }
table { border-collapse: collapse } td, th { border: 1px solid #bbb; padding: .2rem .5rem; text-align: left }
:target { background: #fff3bf } pre { overflow-x: auto }
</style>
"""


def rendered(text: str) -> str:
    """Return the page for a text in Markdown."""
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(text)
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", _anchor(inline.content))
        if opening.type == "inline" and opening.children:
            opening.children = _without_other_pages(opening.children)
    body = str(markdown.renderer.render(tokens, markdown.options, {}))
    return _HEAD + re.sub(r"\{\{|\}\}", lambda braces: f'{{{{"{braces[0]}"}}}}', body)


def _anchor(heading: str) -> str:
    """Return the anchor that a heading has where docs/ is read."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _without_other_pages(tokens: list[Token]) -> list[Token]:
    kept: list[Token] = []
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            dropped = not re.match(r"#|https?:", str(token.attrGet("href")))
        if token.type not in ("link_open", "link_close") or not dropped:
            kept.append(token)
    return kept


if __name__ == "__main__":
    PAGE.write_text(rendered(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
