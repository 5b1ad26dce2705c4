"""Templates: prompts, programs and the report's page are files, in ``templates`` beside the modules that fill them."""

from __future__ import annotations

import json
from functools import cache

import jinja2


def render(package: str, name: str, **values: object) -> str:
    """Return the template ``name`` of ``package`` filled in, without white space around it."""
    return _environment(package).get_template(f"{name}.j2").render(**values).strip()


@cache
def _environment(package: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Only pages are HTML: in a prompt or a program, escaping would change the records that it quotes.
        autoescape=jinja2.select_autoescape(["html.j2"], default=False),
    )
    environment.filters["quoted"] = _quoted
    return environment


def _quoted(text: str) -> str:
    """Return ``text`` as it stands in Python source."""
    return json.dumps(text, ensure_ascii=False)
