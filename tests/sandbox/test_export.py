import json
import subprocess
import sys

import pytest
from labelwright.core.bundle import open_bundle
from labelwright.core.errors import ConfigurationError, InvalidBundle
from labelwright.sandbox.export import export_component

from tests.sandbox.programs import evaluate, packed

# Knows nothing of Labelwright: only wasmtime, and the contract that labeling.wit states.
HOST = """
import json, sys
from wasmtime import Config, Engine, Store
from wasmtime.component import Component, Linker

configuration = Config()
configuration.cranelift_opt_level = "none"  # compiles faster
engine = Engine(configuration)
store = Store(engine)
component = Component(engine, open(sys.argv[1], "rb").read())
instance = Linker(engine).instantiate(store, component)
interface = instance.get_export_index(store, "labelwright:sandbox/labeling@1.0.0")
describe, load, evaluate = (
    instance.get_func(store, instance.get_export_index(store, name, interface))
    for name in ("describe", "load", "evaluate")
)
about = json.loads(describe(store))
text = evaluate(store, sys.stdin.read())
json.dump([about, json.loads(load(store, "{}")), [ord(character) - 48 for character in text]], sys.stdout)
assert "labelwright" not in sys.modules
"""
TASK_FILE = """
[task]
name = "spam"
instructions = "Is it spam?"

[labels]
spam = ""
ham = ""

[fields]
text = "text"
"""
PRIZE = "import re\n\ndef label(text):\n    return 'spam' if re.search('prize|gewinn|\\u00e9', text) else None\n"
LENGTH = "def label(text):\n    return 'ham' if len(text.split()) > 2 else 'spam'\n"


def bundle_of(**sources):
    files = [("task.toml", TASK_FILE.encode())]
    files += [(f"programs/{name}.py", source.encode()) for name, source in sources.items()]
    bundle, findings = open_bundle(files)
    assert bundle, findings
    return bundle


@pytest.mark.slow
def test_an_exported_component_votes_the_same_in_another_host(sandbox, tmp_path):
    bundle = bundle_of(prize=PRIZE, length=LENGTH)
    export_component(bundle, tmp_path / "spam.wasm")
    assert [path.name for path in tmp_path.iterdir()] == ["spam.wasm"]
    records = packed(bundle.task, "a prize", "one two three", "caf\u00e9 \U0001f600", "")
    done = subprocess.run(
        [sys.executable, "-I", "-c", HOST, str(tmp_path / "spam.wasm")],
        input=f"[{','.join(records)}]",
        capture_output=True,
        text=True,
        check=True,
    )
    about, refusal, votes = json.loads(done.stdout)
    assert about["baked"]
    assert about["programs"] == ["length", "prize"]
    assert about["labels"] == ["spam", "ham"]
    assert refusal[0]["type"] == "Baked"
    own = evaluate(sandbox, bundle.task, bundle.programs, records).votes
    assert votes == [vote for row in own for vote in row]


def test_a_program_that_does_not_load_is_not_exported(tmp_path):
    with pytest.raises(InvalidBundle) as refused:
        export_component(bundle_of(broken="import os\n\ndef label(text):\n    return None\n"), tmp_path / "x.wasm")
    assert [finding.code for finding in refused.value.findings] == ["LW210", "LW260"]
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        export_component(bundle_of(length=LENGTH), tmp_path / "file" / "x.wasm")
