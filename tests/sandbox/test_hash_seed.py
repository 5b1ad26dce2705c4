"""The order of sets and the values of hash() are those of the runtime, whoever built it."""

import json

import pytest
from labelwright.core.bundle import Program
from labelwright.sandbox.backend.snapshot import version_text
from labelwright.sandbox.build import build_component
from labelwright.sandbox.host.runtime import INTERFACE
from wasmtime import Config, Engine, Store
from wasmtime.component import Component, Linker

from tests.sandbox.programs import evaluate, make_task, packed

TASK = make_task()
TELLS = Program(
    "tells",
    """
WORDS = "alpha beta gamma delta epsilon zeta eta theta".split()


def label(text):
    votes = [word[0] for word in WORDS]
    hits = set(WORDS) | {text}
    raise ValueError([
        hash("x"), hash(b"x"), hash((1, "a")), hash(frozenset(WORDS)), next(iter(hits)), list(hits), "".join(hits),
        max(set(votes), key=votes.count), set(hits).pop(), {1, "a", (2, "b"), None}, hash(text),
    ])
""",
)
KNOWN = "ValueError: [-1819822983, -1819822983, -1569833375, "


def built_elsewhere(baked):
    """What the baked program says on one record, in a host that knows nothing of Labelwright."""
    configuration = Config()
    configuration.cranelift_opt_level = "none"  # compiles faster
    engine = Engine(configuration)
    store = Store(engine)
    instance = Linker(engine).instantiate(store, Component(engine, baked.read_bytes()))
    interface = instance.get_export_index(store, INTERFACE)
    export = instance.get_export_index(store, "evaluate", interface)
    assert export is not None
    called = instance.get_func(store, export)
    assert called is not None
    return json.loads(called(store, '[["caf\\u00e9 prize"]]')[1:])["0"]


@pytest.fixture(scope="module")
def told(sandbox):
    return evaluate(sandbox, TASK, [TELLS], packed(TASK, "café prize")).messages["tells"]


@pytest.mark.slow
def test_another_build_of_the_same_sources_orders_sets_alike(told, tmp_path):
    build_component(tmp_path / "other.wasm", version_text(TASK, [TELLS]))
    assert built_elsewhere(tmp_path / "other.wasm") == told


def test_hashes_are_known_beforehand(told):
    """These must not change within a CPython: versions that are in use would vote otherwise."""
    assert told.startswith(KNOWN)
    assert "['alpha', 'delta', 'café prize', 'gamma'" in told
