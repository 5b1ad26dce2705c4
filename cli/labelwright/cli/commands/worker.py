"""``labelwright worker``: the drift worker, on this machine, until Ctrl-C."""

from __future__ import annotations

from typing import Annotated

import typer
from labelwright.cli import options
from labelwright.cli.extras import require


def worker(
    prometheus: Annotated[
        str,
        typer.Option(
            "--prometheus",
            metavar="URL",
            help="The Prometheus that says which tasks drift, if any.",
        ),
    ] = "",
    redis: Annotated[
        str, typer.Option("--redis", metavar="URL", help="The Redis in which label services keep recent records.")
    ] = "",
    registry: options.RegistryAddress = options.REGISTRY,
) -> None:
    """Refresh tasks that drift: have programs rewritten, prove them better, and promote them.

    Works on what alerts and `labelwright refresh` ask for, until Ctrl-C. All other settings are
    LABELWRIGHT_WORKER_* and LABELWRIGHT_SYNTHESIS_*, and OPENAI_API_KEY or OPENAI_BASE_URL.
    """
    require("labelwright.worker.settings", "server", "labelwright worker")
    from labelwright.serving.main import prepare_process
    from labelwright.worker.settings import WorkerSettings

    # The default is left to LABELWRIGHT_WORKER_REGISTRY.
    overrides = {
        "prometheus_url": prometheus,
        "redis_url": redis,
        "registry": "" if registry == options.REGISTRY else registry,
    }
    settings = WorkerSettings.read(**{name: value for name, value in overrides.items() if value})
    prepare_process(settings)
    from labelwright.worker.app import serve

    serve(settings)
