import json

from labelwright.sandbox import build
from labelwright.sandbox.guest.allowed import MODULES
from labelwright.sandbox.host.instance import INTERFACE, LoadedInstance


def test_a_runtime_that_is_up_to_date_is_not_built_again(sandbox):
    before = build.RUNTIME.stat().st_mtime_ns
    assert not build.build_runtime()
    assert build.RUNTIME.stat().st_mtime_ns == before


def test_the_runtime_says_what_it_is_and_imports_nothing(sandbox):
    instance = LoadedInstance(sandbox.machine, 64 << 20)
    about = json.loads(instance.describe())
    instance.close()
    assert (about["interface"], about["baked"], about["programs"]) == (1, False, [])
    assert about["modules"] == list(MODULES)
    assert about["python"].startswith("3.")
    assert not sandbox.machine.component.type.imports(sandbox.machine.engine)
    assert INTERFACE in sandbox.machine.component.type.exports(sandbox.machine.engine)
