import json

import pytest
from labelwright.sandbox import build
from labelwright.sandbox.guest.allowed import MODULES
from labelwright.sandbox.host.component import take_apart
from labelwright.sandbox.host.runtime import INTERFACE, Linked
from wasmtime import Store, wat2wasm


def test_a_runtime_that_is_up_to_date_is_not_built_again(sandbox):
    before = build.RUNTIME.stat().st_mtime_ns
    assert not build.build_runtime()
    assert build.RUNTIME.stat().st_mtime_ns == before


def test_the_runtime_says_what_it_is_and_imports_nothing(sandbox):
    store = Store(sandbox.machine.engine)
    store.set_epoch_deadline(1000)
    about = json.loads(Linked(sandbox.machine.runtime, store).ask("describe", None, 10_000))
    assert (about["interface"], about["baked"], about["programs"]) == (1, False, [])
    assert about["modules"] == list(MODULES)
    assert about["python"].startswith("3.")
    assert {
        f"{INTERFACE}#{name}" for name in ("describe", "load", "evaluate")
    } <= sandbox.machine.runtime.exports.keys()


def test_a_component_that_imports_something_is_none_of_ours():
    with pytest.raises(ValueError, match="imports something"):
        take_apart(bytes(wat2wasm('(component (import "clock" (func)))')))
