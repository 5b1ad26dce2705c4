"""A host for an exported component: wasmtime and nothing of Labelwright. Records in, votes out, as JSON lines."""

import json
import sys
from pathlib import Path

from wasmtime import Config, Engine, Store
from wasmtime.component import Component, Func, Linker

INTERFACE = "labelwright:sandbox/labeling@1.0.0"


def main():
    configuration = Config()
    configuration.cranelift_opt_level = "none"  # compiles faster
    engine = Engine(configuration)
    store = Store(engine)
    instance = Linker(engine).instantiate(store, Component(engine, Path(sys.argv[1]).read_bytes()))
    interface = instance.get_export_index(store, INTERFACE)

    def export(name: str) -> Func:
        index = instance.get_export_index(store, name, interface)
        assert index is not None
        found = instance.get_func(store, index)
        assert found is not None
        return found

    describe, evaluate = export("describe"), export("evaluate")
    about = json.loads(describe(store))
    programs, labels = about["programs"], about["labels"]
    records = [json.loads(line) for line in sys.stdin]
    for start in range(0, len(records), 100):
        batch = [[record[field["name"]] for field in about["fields"]] for record in records[start : start + 100]]
        answer = evaluate(store, json.dumps(batch))
        for number in range(len(batch)):
            row = answer[number * len(programs) : (number + 1) * len(programs)]
            votes = [ord(character) - 48 for character in row]
            print(
                json.dumps(
                    {name: labels[vote] if vote >= 0 else None for name, vote in zip(programs, votes, strict=True)}
                )
            )


if __name__ == "__main__":
    main()
