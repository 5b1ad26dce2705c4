"""Prompts are files: templates/*.j2, rendered here and nowhere else."""

from __future__ import annotations

import json

import jinja2

# Prompts are plain text for an LLM, never HTML: escaping would change the records that they quote.
_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.ChoiceLoader(
        [jinja2.PackageLoader("labelwright.synthesis.asking"), jinja2.PackageLoader("labelwright.synthesis.writing")]
    ),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # noqa: S701
)
TEMPLATES = frozenset(_ENVIRONMENT.list_templates())
"""The templates' files."""

# As a text stands in Python source.
_ENVIRONMENT.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)


def render(name: str, **values: object) -> str:
    """Return the template ``name`` filled in, without white space around it."""
    return _ENVIRONMENT.get_template(f"{name}.j2").render(**values).strip()
