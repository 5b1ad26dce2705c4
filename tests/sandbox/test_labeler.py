import subprocess
import sys
import time

import pytest
from labelwright.core.bundle import open_bundle
from labelwright.core.errors import DeadlineExceeded
from labelwright.core.label_model import NO_DECISION, Decision
from labelwright.core.record import make_record, pack
from labelwright.sandbox import Labeled, Labeler

FILES = [
    (
        "task.toml",
        b'[task]\nname = "spam"\ninstructions = "?"\n[labels]\nspam = ""\nham = ""\n[fields]\ntext = "text"\n',
    ),
    ("programs/a.py", b"def label(text):\n    return 'spam' if 'win' in text else None\n"),
    ("programs/b.py", b"def label(text):\n    return 'spam' if 'free' in text else 'ham' if text else None\n"),
]


def test_a_labeler_turns_votes_into_decisions(sandbox):
    bundle, _ = open_bundle(FILES)
    assert bundle is not None
    labeler = Labeler.open(sandbox, bundle)
    records = [pack(make_record(bundle.task, {"text": text}), 1000) for text in ("win free", "win", "hello", "")]
    assert labeler.label(records) == [
        Labeled(Decision(0, 1.0), (0, 0)),
        Labeled(NO_DECISION, (0, 1)),
        Labeled(Decision(1, 1.0), (-1, 1)),
        Labeled(NO_DECISION, (-1, -1)),
    ]
    with pytest.raises(DeadlineExceeded):
        labeler.label(records, deadline=time.monotonic() - 1)
    labeler.close()


def test_the_runtime_can_be_compiled_ahead_of_time(sandbox):
    done = subprocess.run([sys.executable, "-m", "labelwright.sandbox", "compile"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("the sandbox is ready")


def test_a_bad_cache_folder_is_told_without_a_traceback(tmp_path):
    (tmp_path / "compiled").mkdir()
    (tmp_path / "compiled").chmod(0o777)
    arguments = [sys.executable, "-m", "labelwright.sandbox", "compile", "--cache-dir", str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 2
    assert "can be written to by others" in done.stderr
    assert "Traceback" not in done.stderr
