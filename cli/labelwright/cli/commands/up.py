"""Servers on this machine, until Ctrl-C.

``labelwright up``: registry, label service and worker, with embedded defaults. ``labelwright worker``: only the last.
"""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from labelwright.cli import options
from labelwright.cli.command_name import command_name
from labelwright.cli.extras import require
from labelwright.cli.screen import Screen
from labelwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from labelwright.cli.servers.server_process import ServerPlan, ServerProcess

_REGISTRY_SECONDS = 60.0
# The first start on a machine compiles the sandbox's runtime.
_SERVICE_SECONDS = 180.0
_STOP_SECONDS = 30.0
_LAST_PORT = 65535
_WATCH_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The options of ``labelwright up``."""

    data: Path
    host: str
    port: int
    registry_port: int
    metrics_port: int
    workers: int
    redis: str
    prometheus: str

    @property
    def worker_port(self) -> int:
        """The port of the drift worker's metrics: the one after the label service's, a free one where that is free."""
        return self.metrics_port + 1 if 0 < self.metrics_port < _LAST_PORT else 0


class _Stopped(Exception):
    """A signal came that asks to stop."""


Port = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65535, help="The label service's port; 0 takes a free one.")
]


def up(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="The folder for all data.")] = Path(
        ".labelwright"
    ),
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="The address to listen on; only this machine by default.")
    ] = "127.0.0.1",
    port: Port = 7400,
    registry_port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="The registry's port.")] = 7420,
    metrics_port: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=65535, help="The port of the label service's metrics; the worker's are one above."
        ),
    ] = 7401,
    workers: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Processes of the label service; one a core is enough.")
    ] = 1,
    redis: Annotated[
        str, typer.Option("--redis", metavar="URL", help="Keep answers and recent records in this Redis.")
    ] = "",
    prometheus: Annotated[
        str, typer.Option("--prometheus", metavar="URL", help="Refresh tasks when this Prometheus says they drift.")
    ] = "",
    json: options.Json = False,
) -> None:
    """Run a registry, a label service and a drift worker here until Ctrl-C.

    With --json, prints one document with the addresses once all are ready, and goes on running.
    """
    screen = Screen(json=json)
    require("labelwright.registry", "server", "labelwright up")
    require("labelwright.service", "server", "labelwright up")
    require("labelwright.worker.settings", "server", "labelwright up")
    require("grpc_health.v1", "server", "labelwright up")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    setup = UpOptions(data.absolute(), host, port, registry_port, metrics_port, workers, redis, prometheus)
    running: list[ServerProcess] = []
    try:
        _start(setup, running, screen)
        while True:
            for server in running:
                server.check_running()
            time.sleep(_WATCH_SECONDS)
    except _Stopped:
        if not screen.json:
            screen.note("stopping")
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for server in reversed(running):
            server.stop(_STOP_SECONDS)


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


def _start(setup: UpOptions, running: list[ServerProcess], screen: Screen) -> None:
    from labelwright.cli.servers.server_process import ServerProcess, check_free

    _make_folder(setup.data)
    check_free("label service", f"{setup.host}:{setup.port}")
    check_free("metrics", f"{setup.host}:{setup.metrics_port}")
    running.append(ServerProcess(_registry_plan(setup)))
    registry = running[-1].wait_until_healthy(_REGISTRY_SECONDS)
    running.append(ServerProcess(_service_plan(setup, registry)))
    running.append(ServerProcess(_worker_plan(setup, registry)))
    addresses = {server.plan.name: server.wait_until_healthy(_SERVICE_SECONDS) for server in running[1:]}
    _tell(screen, setup, {**addresses, "registry": registry}, {server.plan.name: server.pid for server in running})


def _registry_plan(setup: UpOptions) -> ServerPlan:
    from labelwright.cli.servers.server_process import ServerPlan

    listen, folder = f"{setup.host}:{setup.registry_port}", setup.data / "registry"
    settings = {"LABELWRIGHT_REGISTRY_LISTEN": listen, "LABELWRIGHT_REGISTRY_DATA_DIR": str(folder)}
    return ServerPlan("registry", "labelwright.registry", listen, folder, settings)


def _service_plan(setup: UpOptions, registry: str) -> ServerPlan:
    from labelwright.cli.servers.server_process import ServerPlan

    listen, folder = f"{setup.host}:{setup.port}", setup.data / "service"
    settings = {
        "LABELWRIGHT_SERVICE_LISTEN": listen,
        "LABELWRIGHT_SERVICE_REGISTRY": registry,
        "LABELWRIGHT_SERVICE_DATA_DIR": str(folder),
        "LABELWRIGHT_SERVICE_METRICS_LISTEN": f"{setup.host}:{setup.metrics_port}",
        "LABELWRIGHT_SERVICE_WORKERS": str(setup.workers),
        "LABELWRIGHT_SERVICE_REDIS_URL": setup.redis,
    }
    return ServerPlan("service", "labelwright.service", listen, folder, settings)


def _worker_plan(setup: UpOptions, registry: str) -> ServerPlan:
    from labelwright.cli.servers.server_process import ServerPlan, answers_http

    listen, folder = f"{setup.host}:{setup.worker_port}", setup.data / "worker"
    settings = {
        "LABELWRIGHT_WORKER_REGISTRY": registry,
        "LABELWRIGHT_WORKER_METRICS_LISTEN": listen,
        "LABELWRIGHT_WORKER_DATA_DIR": str(folder),
        "LABELWRIGHT_WORKER_REDIS_URL": setup.redis,
        "LABELWRIGHT_WORKER_PROMETHEUS_URL": setup.prometheus,
    }
    return ServerPlan("worker", "labelwright.worker", listen, folder, settings, answers_http)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{folder}: {error.strerror}", advice="name another folder with --data") from error


def _tell(screen: Screen, setup: UpOptions, addresses: dict[str, str], pids: dict[str, int]) -> None:
    if screen.json:
        screen.document({**addresses, "data": str(setup.data), "pids": pids})
        return
    registry, service = addresses["registry"], addresses["service"]
    screen.line(f"label service  {service}", "bold green")
    screen.line(f"registry       {registry}", "bold green")
    screen.line(f"drift worker   http://{addresses['worker']}/metrics", "bold green")
    screen.line(f"data           {setup.data}")
    default = registry == options.REGISTRY and service == options.SERVICE
    if not default:
        screen.line(f"export LABELWRIGHT_SERVICE={service} LABELWRIGHT_REGISTRY={registry}")
    screen.line("")
    screen.line("try, in another terminal:")
    bundle, task = ("examples/spam/bundle", "spam") if Path("examples/spam/bundle").is_dir() else ("DIR", "TASK")
    screen.line(f"  {command_name()} push {bundle} --alias production")
    screen.line(f'  {command_name()} label {task} "You have won a prize! Call 09061234567 now"')
    screen.line("Ctrl-C stops all of it.", "dim")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _Stopped
