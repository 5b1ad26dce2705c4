"""What a server of ours says at /healthz."""

from __future__ import annotations

import urllib.error
import urllib.request


def healthz(address: str) -> int:
    """Return the status that /healthz gives. Raises OSError where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=5) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
