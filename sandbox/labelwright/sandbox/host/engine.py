"""The engine's configuration, and what compiled code depends on."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wasmtime import Config, Engine

SETTINGS: dict[str, Any] = {
    "epoch_interruption": True,
    # The most that wasmtime allows here. Threads that evaluate need more of their own; Linux gives them 8 MiB.
    "max_wasm_stack": 2 << 20,
    # The bits of a NaN would otherwise differ between processors.
    "cranelift_nan_canonicalization": True,
}


PROCESSOR_VARIABLE = "LABELWRIGHT_SANDBOX_PROCESSOR"
"""If "generic", code is compiled for any processor of this architecture: for images that move between machines."""
_GENERIC_TARGETS = {
    ("Linux", "x86_64"): "x86_64-unknown-linux-gnu",
    ("Linux", "aarch64"): "aarch64-unknown-linux-gnu",
}


def make_engine() -> Engine:
    """Return a new engine with SETTINGS."""
    configuration = Config()
    for name, value in SETTINGS.items():
        setattr(configuration, name, value)
    if target := _generic_target():
        configuration.target = target
    return Engine(configuration)


def identity(module: bytes) -> str:
    """Return a digest of all that compiled code depends on: module, wasmtime, settings, processor and system."""
    parts = [
        hashlib.sha256(module).hexdigest(),
        version("wasmtime"),
        json.dumps(SETTINGS, sort_keys=True),
        platform.system(),
        platform.machine(),
        _generic_target() or _processor_features(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _generic_target() -> str | None:
    if os.environ.get(PROCESSOR_VARIABLE) != "generic":
        return None
    return _GENERIC_TARGETS.get((platform.system(), platform.machine()))


def _processor_features() -> str:
    """Return the features by name: machines of one model may differ in them, under a hypervisor above all."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    features = next((line for line in lines if line.lower().startswith(("flags", "features"))), platform.processor())
    return " ".join(sorted(features.split()))
