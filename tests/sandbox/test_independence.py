"""A record's votes depend on the record alone: not on batch, order or history, and not on where Python runs."""

import random
import sys
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelwright.core.errors import DeadlineExceeded
from labelwright.sandbox.determinism import check_determinism

from tests.sandbox.programs import evaluate, make_task, packed, program

TASK = make_task(time_ms=2000)
SOURCES = {
    "caps": "def label(text):\n    return 'spam' if sum(c.isupper() for c in text) > len(text) / 4 else None\n",
    "counter": """
from collections import Counter
from dataclasses import dataclass, field


@dataclass(order=True)
class Score:
    spam: int = 0
    words: list = field(default_factory=list)


def label(text):
    score = Score()
    for word, times in Counter(text.casefold().split()).most_common(5):
        score.spam += times * (len(word) % 3)
        score.words.append(word)
    return ("spam", "ham")[score.spam % 2]
""",
    "digits": """
import re
import statistics

NUMBERS = re.compile(r"\\d+(?:[.,]\\d+)?")


def label(text):
    found = [len(number) for number in NUMBERS.findall(text)]
    if not found:
        return None
    return "spam" if statistics.mean(found) > 2 else "ham"
""",
    "hashed": """
import hashlib
import json


def label(text):
    digest = hashlib.sha256(json.dumps(text).encode()).hexdigest()
    return {"0": "spam", "1": "ham"}.get(digest[0])
""",
    "raising": "def label(text):\n    return 'spam' if text[0] == text[-1] else 'ham'\n",
    "shape": """
import difflib
import string
import textwrap
import unicodedata
from functools import lru_cache
from urllib.parse import urlparse


@lru_cache(maxsize=16)
def plain(text):
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().strip(string.punctuation)


def label(text):
    words = plain(text).lower().split()
    if difflib.get_close_matches("winner", words, cutoff=0.8) or any(urlparse(word).netloc for word in words):
        return "spam"
    return "ham" if len(textwrap.shorten(text, 40, placeholder="")) < len(text) else None
""",
    "words": """
import re

WORD = re.compile(r"\\b\\w{2,}\\b")


def label(text):
    words = WORD.findall(text)
    return None if not words else "spam" if words[0].upper() == words[0] else "ham"
""",
}
PROGRAMS = [program(source, name) for name, source in SOURCES.items()]
texts = st.text(max_size=40) | st.sampled_from(["WIN 1000.50 now", "http://a.b/c winer", "straße ǅ İ", ""])


@pytest.fixture(scope="module")
def executable(sandbox):
    together = sandbox.load(TASK, PROGRAMS)
    yield together
    together.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts, min_size=1, max_size=30), st.randoms(use_true_random=False), st.integers(1, 9))
def test_batch_order_and_history_do_not_matter(executable, given_texts, shuffler, size):
    records = packed(TASK, *given_texts)
    alone = {record: executable.evaluate([record]).votes[0] for record in records}
    order = records[:]
    shuffler.shuffle(order)
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        assert executable.evaluate(batch).votes == [alone[record] for record in batch]


def native_votes(source, given_texts):
    """What CPython itself makes of the program: an index, -1, or -2 where it raises."""
    namespace: dict[str, Any] = {"__name__": "native"}
    exec(source, namespace)
    votes = []
    for text in given_texts:
        try:
            vote = namespace["label"](text)
        except Exception:
            votes.append(-2)
            continue
        votes.append(-1 if vote is None else TASK.label_names.index(vote))
    return votes


# Characters that Unicode 14 (Python 3.11) had and that 16 (the sandbox) treats otherwise: see docs/sandbox.md.
CHANGED = {
    *(0x19B, 0x264),  # upper case
    *(0x10FC, 0xA7F2, 0xA7F3, 0xA7F4, 0xAB69),  # islower
    *(0x4E24, 0x4EAC, 0x4FE9, 0x5006, 0x62D0, 0x6D1E, 0x7695, 0x79ED, 0x920E, 0x94A9),  # isnumeric
    *(0x1171E, 0x1D6C1, 0x1D6FB, 0x1D735, 0x1D76F, 0x1D7A9),  # category, direction
}


def generated_texts(count):
    """Texts of characters that the older Unicode table of this Python and the sandbox's newer one both know."""
    chance = random.Random(20261124)
    everything = (chr(code) for code in range(sys.maxunicode + 1) if code not in CHANGED)
    known = [character for character in everything if unicodedata.category(character) not in ("Cn", "Cs", "Co")]
    ascii_words = ["win", "FREE", "prize", "winner", "call", "0800 123", "1,500.00", "http://x.y/z", "see", "you", "\n"]
    for _ in range(count):
        words = [
            chance.choice(ascii_words)
            if chance.random() < 0.6
            else "".join(chance.choices(known if chance.random() < 0.5 else known[:600], k=chance.randint(1, 8)))
            for _ in range(chance.randint(0, 12))
        ]
        yield " ".join(words)


def test_votes_are_those_of_native_python_on_ten_thousand_records(sandbox):
    given_texts = list(generated_texts(10_000))
    assert sum(not text.isascii() for text in given_texts) > 5_000
    votes = evaluate(sandbox, TASK, PROGRAMS, packed(TASK, *given_texts)).votes
    for place, (name, source) in enumerate(SOURCES.items()):
        native = native_votes(source, given_texts)
        differing = [number for number, vote in enumerate(native) if vote != votes[number][place]]
        assert not differing, (name, given_texts[differing[0]])


def test_programs_that_remember_are_found(sandbox):
    remembering = program(
        "SEEN = []\n\ndef label(text):\n    SEEN.append(text)\n    return 'spam' if len(SEEN) % 2 else 'ham'\n",
        "remembering",
    )
    records = packed(TASK, *map(str, range(20)))
    findings = check_determinism(sandbox, TASK, [*PROGRAMS, remembering], records)
    assert [(finding.file, finding.code) for finding in findings] == [("programs/remembering.py", "LW310")]
    assert not check_determinism(sandbox, TASK, PROGRAMS, records)
    assert not check_determinism(sandbox, TASK, PROGRAMS, [])


HIDDEN = {
    "calls": "N = [0]\n\ndef counter():\n    return N\n\ndef label(text):\n    counter()[0] += 1\n"
    "    return 'spam' if counter()[0] % 2 else 'ham'\n",
    "seen_before": "SEEN = set()\n\ndef label(text):\n    if text in SEEN:\n        return 'spam'\n"
    "    SEEN.add(text)\n",
    "same_as_last": "LAST = ['']\n\ndef label(text):\n    last, LAST[0] = LAST[0], text\n"
    "    return 'spam' if last == text else None\n",
    "rare": "N = [0]\n\ndef counter():\n    return N\n\ndef label(text):\n    if 'winner' in text:\n"
    "        counter()[0] += 1\n        return 'spam' if counter()[0] % 2 else 'ham'\n",
    # An order of twelve, of which each length of text shows another place: of two or three, chance hides what differs.
    "classes": "KINDS = [type(f'K{n}', (), {}) for n in range(12)]\n\ndef label(text):\n"
    "    return 'spam' if KINDS.index(list(set(KINDS))[len(text) % 12]) < 6 else 'ham'\n",
    "functions": "def make(n):\n    return lambda: n\n\nMADE = [make(n) for n in range(12)]\n\ndef label(text):\n"
    "    return 'spam' if list(set(MADE))[len(text) % 12]() < 6 else 'ham'\n",
    "shown": "def f(): pass\n\ndef label(text):\n"
    # Another digit for each length of text: where the address differs at all, some record shows it.
    "    digits = repr(f).split('0x')[1][:-1]\n"
    "    return 'spam' if int(digits[len(text) % len(digits)], 16) % 2 else 'ham'\n",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_made_up_records_find_it_where_there_are_no_rows(sandbox, name):
    findings = check_determinism(sandbox, TASK, [PROGRAMS[0], program(HIDDEN[name], name)], [])
    assert [(finding.file, finding.code) for finding in findings] == [(f"programs/{name}.py", "LW310")]
    assert "on the made-up record [" in findings[0].message


def test_records_that_a_program_is_too_slow_for_are_left_out(sandbox):
    slow = program("def label(text):\n    while 'loop' in text:\n        pass\n    return None\n", "slow")
    endless = program("def label(text):\n    while True:\n        pass\n", "endless")
    started = time.monotonic()
    assert not check_determinism(sandbox, make_task(time_ms=10_000), [slow], [])
    assert not check_determinism(sandbox, make_task(time_ms=10_000), [endless], [])
    assert time.monotonic() - started < 60


def test_a_program_that_changes_the_library_changes_it_for_itself_alone(sandbox):
    patching = program(
        "import collections\n\ncollections.Counter.most_common = lambda *_: []\n\ndef label(text):\n    return 'ham'\n",
        "a_patching",
    )
    records = packed(TASK, "a a a b", "ccc d e f", "xx")
    votes = evaluate(sandbox, TASK, [patching, *PROGRAMS], records).votes
    assert [row[1:] for row in votes] == evaluate(sandbox, TASK, PROGRAMS, records).votes
    assert not check_determinism(sandbox, TASK, [patching, *PROGRAMS], records)


def test_the_determinism_check_keeps_a_deadline(sandbox):
    task = make_task()
    with pytest.raises(DeadlineExceeded):
        check_determinism(
            sandbox, task, [program("def label(text): return 'ham'")], packed(task, "a"), time.monotonic() - 1
        )
