"""``assay worker``: the drift worker, on this machine, until Ctrl-C."""

from __future__ import annotations

from typing import Annotated

import typer
from assay.cli import options
from assay.cli.extras import require


def worker(
    prometheus: Annotated[
        str,
        typer.Option(
            "--prometheus", metavar="URL", help="The Prometheus that says which tasks drift; only by hand without."
        ),
    ] = "",
    redis: Annotated[
        str, typer.Option("--redis", metavar="URL", help="The Redis in which label services keep recent records.")
    ] = "",
    registry: options.RegistryAddress = options.REGISTRY,
) -> None:
    """Refresh tasks that drift: have programs rewritten, prove them better, and promote them.

    Works on what alerts and `assay refresh` ask for, until Ctrl-C. Everything else is set by ASSAY_WORKER_* and
    ASSAY_SYNTHESIS_*, and OPENAI_API_KEY or OPENAI_BASE_URL.
    """
    require("assay.worker.settings", "server", "assay worker")
    from assay.worker.process import serve
    from assay.worker.settings import read_settings

    # The default is left to ASSAY_WORKER_REGISTRY.
    given = {
        "prometheus_url": prometheus,
        "redis_url": redis,
        "registry": "" if registry == options.REGISTRY else registry,
    }
    serve(read_settings(**{name: value for name, value in given.items() if value}))
