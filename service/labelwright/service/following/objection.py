"""What speaks against following a registry: that it is another one, or that it has lost tasks which are served."""

from __future__ import annotations

from collections.abc import Collection

from labelwright.core.alias import PRODUCTION
from labelwright.service.target import Aliases

_SHOWN = 5


def objection(known: Aliases, offered: Aliases, tasks: Collection[str]) -> str:
    """Return why what the registry says must not replace what is known, empty where it may.

    ``tasks`` are the only ones followed; all where empty. No task that has ``production`` ever loses it, as that alias
    cannot be removed: a registry without it has lost data. An identity that one side does not tell, as a registry or
    a label service of an earlier release, is not compared.
    """
    if known.registry and offered.registry and known.registry != offered.registry:
        return f"it is another registry: {offered.registry}, not {known.registry}"
    lost = [
        task
        for task, aliases in sorted(known.table.items())
        if PRODUCTION in aliases and PRODUCTION not in offered.table.get(task, ()) and (not tasks or task in tasks)
    ]
    more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    return f"it has no production version of {', '.join(lost[:_SHOWN])}{more}" if lost else ""
