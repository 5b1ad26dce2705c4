"""Stand-alone components: a version's programs baked in, for any WebAssembly host. See guest/labeling.wit."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from labelwright.core.bundle import Bundle
from labelwright.core.errors import ConfigurationError, InvalidBundle
from labelwright.core.finding import has_errors
from labelwright.sandbox.backend.snapshot import version_text
from labelwright.sandbox.build import BuildFailed, build_component
from labelwright.sandbox.static_checks import check_program


def export_component(bundle: Bundle, path: Path) -> None:
    """Write the bundle's component to ``path``, atomically. Takes about ten seconds and needs componentize-py.

    The programs' top-level code runs while the component is built, without the limits of the sandbox and with the
    build's own temporary folders in reach. Therefore programs that the static checks refuse are not built in.
    Raises ConfigurationError without componentize-py or if ``path`` cannot be written, InvalidBundle if the
    programs cannot be built in.
    """
    if importlib.util.find_spec("componentize_py") is None:
        raise ConfigurationError("exporting needs componentize-py", advice="run: pip install 'labelwright[export]'")
    findings = [finding for program in bundle.programs for finding in check_program(bundle.task, program)]
    if has_errors(findings):
        raise InvalidBundle("the programs are not fit for export", findings=findings, advice="run: labelwright check")
    try:
        build_component(path, version_text(bundle.task, bundle.programs))
    except BuildFailed as error:
        raise InvalidBundle(
            "the component could not be built", advice="run: labelwright check", output=str(error)[-2000:]
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}", advice="name a file in a folder of your own"
        ) from None
