from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from labelwright.client import Client, Registry

from tests.parts.command import Command
from tests.parts.example_bundles import serve
from tests.parts.repository import DATA, ROOT
from tests.parts.row_files import rows_of

BUNDLES = ROOT / "tests" / "fixtures"


@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not here")
@pytest.mark.parametrize("name", ["sms", "agnews"])
def test_real_records_get_the_same_labels_from_the_server_and_from_the_folder(
    labelwright: Command, registry_client: Registry, client: Client, tmp_path: Path, name: str
) -> None:
    bundle = shutil.copytree(BUNDLES / name, tmp_path / name)
    shutil.copy(DATA / name / "gold.jsonl", bundle)
    task = serve(registry_client, client, bundle)
    for file in ("test.jsonl", "unlabeled.jsonl"):
        served, local = tmp_path / f"served-{file}", tmp_path / f"local-{file}"
        labelwright("label", task, "--input", DATA / name / file, "--output", served, "--explain")
        labelwright("label", "--local", bundle, "--input", DATA / name / file, "--output", local, "--explain")
        rows = [
            [{key: value for key, value in row.items() if key not in ("version", "source")} for row in rows_of(path)]
            for path in (served, local)
        ]
        assert rows[0] == rows[1]
        assert len(rows[0]) == len(rows_of(DATA / name / file))
        assert any(row["label"] for row in rows[0])
