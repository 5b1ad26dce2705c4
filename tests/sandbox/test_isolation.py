"""A program's votes are those that it gives alone in a fresh instance, whatever ran before, beside or after it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelwright.core.errors import DeadlineExceeded, Overloaded
from labelwright.core.vote import VoteError
from labelwright.sandbox.backend import pool as pools
from labelwright.sandbox.backend.pool import InstancePool
from labelwright.sandbox.backend.snapshot import Snapshot

from tests.sandbox.programs import REACHING, evaluate, make_task, packed, program

TASK = make_task(time_ms=2000)
HONEST = {
    "counter": "from collections import Counter\n\ndef label(text):\n"
    "    return 'spam' if Counter(text.split()).most_common(1)[:1] == [('evil', 1)] else None\n",
    "pattern": "import re\n\ndef label(text):\n    return 'ham' if re.search('rare|free', text) else 'spam'\n",
    "decimal": "from decimal import Decimal\n\ndef label(text):\n    return 'ham' if Decimal(1) / 3 < 1 else None\n",
}
POISONS = {
    "type_setattr": "from collections import Counter\n\ndef label(text):\n    if 'rare' in text:\n"
    "        read(type, '__setattr__')(Counter, 'most_common', None)\n",
    "ends_all": "def label(text):\n    if 'rare' in text:\n        real('__import__')('re').search = None\n",
    "votes_for_all": "def label(text):\n    if 'rare' in text:\n"
    "        guest('program').LoadedProgram._vote = lambda self, records: ['0'] * len(records)\n",
    "context": "import decimal\n\ndef label(text):\n    if 'rare' in text:\n"
    "        for trap in decimal.DefaultContext.traps:\n            decimal.DefaultContext.traps[trap] = True\n",
    "loops": "def label(text):\n    while 'loop' in text:\n        pass\n",
    "ends": "def label(text):\n    if 'rare' in text:\n        real('__import__')('os')._exit(3)\n",
}
SOURCES = HONEST | {name: REACHING + source for name, source in POISONS.items()}
TEXTS = ("rare one", "evil", "free", "", "see you", "rare evil")


@pytest.fixture(scope="module")
def alone(sandbox):
    """What each program votes on each text, alone and in a fresh instance."""
    return {
        (name, text): evaluate(sandbox, TASK, [program(source, name)], packed(TASK, text)).votes[0][0]
        for name, source in SOURCES.items()
        for text in TEXTS
    }


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(sorted(SOURCES)), min_size=2, max_size=5, unique=True),
    st.lists(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6), min_size=1, max_size=4),
)
def test_no_program_changes_anothers_votes_nor_a_batch_the_next(sandbox, alone, names, batches):
    executable = sandbox.load(TASK, [program(SOURCES[name], name) for name in names])
    try:
        for batch in batches:
            rows = executable.evaluate(packed(TASK, *batch)).votes
            for text, row in zip(batch, rows, strict=True):
                for name, vote in zip(names, row, strict=True):
                    # One that replaces its own guest is its own victim within a batch, and nobody else's.
                    assert name in POISONS or vote == alone[name, text]
            (first, *_) = batch
            assert list(executable.evaluate(packed(TASK, first)).votes[0]) == [alone[name, first] for name in names]
    finally:
        executable.close()


def test_what_one_caller_sent_is_not_there_for_the_next(sandbox):
    spying = program(
        "KEPT = []\n\ndef label(text):\n    KEPT.append(text)\n    return 'spam' if 'secret' in KEPT else 'ham'\n",
        "spying",
    )
    executable = sandbox.load(TASK, [spying])
    assert executable.evaluate(packed(TASK, "secret")).votes == [(0,)]
    assert executable.evaluate(packed(TASK, "curious")).votes == [(1,)]
    executable.close()


def test_memory_is_what_it_was_to_the_last_byte(sandbox):
    source = "KEPT = {}\n\ndef label(text):\n    KEPT[text] = [bytes(2000), {text: text * 3}]\n    return 'spam'\n"
    snapshot = Snapshot(sandbox.machine, TASK, [program(source)], 10)
    snapshot.warm_up(packed(TASK, "warm"))
    used, fresh = snapshot.instance(), snapshot.instance()
    for count in (1, 200, 3):
        used.evaluate(packed(TASK, *map(str, range(count))), 5)
        assert used.is_reusable
    used._instance.restore()
    assert used._instance.content() == fresh._instance.content()
    used.close()
    fresh.close()


def test_a_program_that_votes_by_the_records_before_is_found_and_gets_each_one_alone(sandbox, caplog):
    counting = program(
        "N = [0]\n\ndef label(text):\n    N[0] += 1\n    return 'spam' if N[0] % 2 else 'ham'\n", "counting"
    )
    executable = sandbox.load(TASK, [counting])
    records = packed(TASK, *map(str, range(512)))
    for _ in range(40):
        votes = executable.evaluate(records).votes
        if len(set(votes)) == 1:
            break
    executable.close()
    assert len(set(votes)) == 1
    assert "counting votes by the records before" in caplog.text


def test_idle_instances_go_where_memory_is_short_and_callers_wait_for_the_rest(sandbox, monkeypatch):
    task = make_task(memory_mb=64)
    always = [program(f"def label(text):\n    return 'ham'\n# {name}\n", name) for name in "abc"]
    first, second, third = (Snapshot(sandbox.machine, task, [one], 10) for one in always)
    pool = InstancePool(130 << 20)
    lent = [pool.take(first, None), pool.take(second, None)]
    with pytest.raises(DeadlineExceeded):
        pool.take(third, 0.0)
    monkeypatch.setattr(pools, "_LONGEST_WAIT", 0.0)
    with pytest.raises(Overloaded):
        pool.take(third, None)
    for instance in lent:
        assert instance.evaluate(packed(task, "x"), 5).rows == [(1,)]
        pool.give_back(instance, healthy=True)
    assert pool.take(second, None) is lent[1]
    # The first one's idle instance had to go for the third.
    assert pool.take(third, None).evaluate(packed(task, "x"), 5).rows == [(1,)]
    with pytest.raises(Overloaded):
        pool.take(first, None)


def test_memory_that_a_program_asked_for_once_is_given_back(sandbox):
    task = make_task(memory_mb=200)
    hungry = program("def label(text):\n    return 'spam' if bytes(int(text)) else None\n", "hungry")
    snapshot = Snapshot(sandbox.machine, task, [hungry], 10)
    instance = snapshot.instance()
    instance.evaluate(packed(task, "100000000"), 5)
    assert not instance.is_reusable
    instance.close()
    assert evaluate(sandbox, task, [hungry], packed(task, "1000000000", "1")).votes == [(VoteError.MEMORY,), (0,)]
