"""Whatever the guest writes, the host reads votes that there are and plain, short messages, or refuses the answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.errors import InvalidBundle
from labelwright.core.vote import ABSTAIN, VoteError
from labelwright.sandbox.backend.answers import FIRST, UnreadableAnswer, read_outcomes, read_votes

from tests.sandbox.programs import REACHING, evaluate, make_task, packed, program

PROGRAMS, RECORDS, LABELS = 2, 3, 2
KNOWN = {0, 1, ABSTAIN, VoteError.RAISED, VoteError.INVALID_RESULT, VoteError.STACK}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("019") | st.text(max_size=3), inner),
    max_leaves=6,
)
almost_votes = st.text(st.sampled_from("01/.-*") | st.characters(), min_size=4, max_size=8)
tails = (
    st.just("")
    | json_values.map(json.dumps)
    | st.text(max_size=9)
    | st.sampled_from(["[" * 5000, '{"0": "' + "9" * 5000])
)
answers = st.binary(max_size=40) | st.builds(
    lambda votes, tail: (votes + tail).encode("utf-8", "replace"), almost_votes, tails
)
outcomes = st.fixed_dictionaries(
    {
        "type": json_values | st.text(max_size=200),
        "message": json_values | st.text(max_size=900),
        "line": json_values | st.integers(-5, 10**30),
    }
)


def is_plain(text, most):
    return type(text) is str and len(text) <= most and all(char.isprintable() or char == "\ufffd" for char in text)


@given(answers)
def test_votes_are_known_and_messages_plain_or_the_answer_is_refused(answer):
    try:
        rows, messages = read_votes(answer, PROGRAMS, RECORDS, LABELS)
    except UnreadableAnswer:
        return
    assert [len(row) for row in rows] == [PROGRAMS] * RECORDS
    assert {vote for row in rows for vote in row} <= KNOWN
    assert set(messages) <= {0, 1}
    assert all(is_plain(message, 500) for message in messages.values())


@given(
    st.lists(st.tuples(*[st.sampled_from(sorted(KNOWN))] * PROGRAMS), min_size=RECORDS, max_size=RECORDS),
    st.dictionaries(st.sampled_from(range(PROGRAMS)), st.text(st.characters(categories=["L", "N"]), min_size=1)),
)
def test_what_the_contract_says_is_read(rows, messages):
    text = "".join(chr(FIRST + vote) for row in rows for vote in row) + (json.dumps(messages) if messages else "")
    assert read_votes(text.encode(), PROGRAMS, RECORDS, LABELS) == (rows, messages)


@pytest.mark.parametrize("character", ["2", "\u00ff", "\U0010ffff", ",", "+", ")", "("])
def test_a_vote_for_no_label_or_one_that_only_the_host_gives_is_refused(character):
    with pytest.raises(UnreadableAnswer, match="a vote that there is not"):
        read_votes(("00000" + character).encode(), PROGRAMS, RECORDS, LABELS)


@given(st.lists(st.none() | outcomes | json_values, max_size=3).map(json.dumps) | st.text(max_size=20))
def test_outcomes_of_loading_are_short_and_plain_or_refused(text):
    try:
        read = read_outcomes(text.encode("utf-8", "replace"), PROGRAMS)
    except UnreadableAnswer:
        return
    assert len(read) == PROGRAMS
    for failure in filter(None, read):
        assert is_plain(failure.kind, 100)
        assert is_plain(failure.message, 500)
        assert type(failure.line) is int
        assert 0 <= failure.line <= 1_000_000


ENCODER = "real('__import__')('json')._default_encoder.encode = lambda o: "
WRITES = {
    "a vote for no label": 'guest("labeling").zip = lambda *_, **__: ["\\U0001f600" * 9]',
    "too short": 'guest("labeling").zip = lambda *_, **__: [""]',
    "nested": 'guest("labeling").zip = lambda *_, **__: ["0" * 9 + "[" * 5000]',
    "huge": 'guest("labeling").zip = lambda *_, **__: ["0" * 4_000_000]',
    "half a character": 'guest("labeling").zip = lambda *_, **__: ["\\ud800" * 9]',
    "many messages": 'real("__import__")("json").dumps = lambda *_: "[" + "{}," * 2000 + "{}]"; raise ValueError',
    "a message of nobody": 'real("__import__")("json").dumps = lambda *_: \'{"7": "x"}\'; raise ValueError',
}


@pytest.mark.parametrize("name", WRITES)
def test_a_program_that_makes_the_guest_answer_nonsense_crashed_and_the_others_stand(sandbox, name):
    task = make_task(time_ms=5000)
    hostile = program(f"{REACHING}\ndef label(text):\n    if 'rare' in text:\n        {WRITES[name]}\n", "hostile")
    others = [program("def label(text):\n    return 'ham' if text else 'spam'\n", name) for name in ("a_one", "z_two")]
    records = packed(task, "one", "rare two", "")
    evaluation = evaluate(sandbox, task, [others[0], hostile, others[1]], records)
    assert [row[::2] for row in evaluation.votes] == [(1, 1), (1, 1), (0, 0)]
    assert [row[1] for row in evaluation.votes] == [ABSTAIN, VoteError.CRASHED, ABSTAIN]
    assert evaluation.messages["hostile"].startswith("ended the sandbox: ")


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ("raise type('x' * 3_000_000, (Exception,), {})", "LW301"),
        ("raise SyntaxError('boom', ('programs/program.py', 10 ** 30, 1, ''))", "LW301"),
        ("raise SyntaxError('boom', ('programs/program.py', -5, 1, ''))", "LW301"),
        ("raise SyntaxError('boom', ('programs/program.py', 'abc', 1, ''))", "LW301"),
        ("raise SyntaxError('boom', ('programs/program.py', object(), 1, ''))", "LW301"),
        (REACHING + ENCODER + "'[' * 100000 + ']' * 100000", "LW303"),
        (REACHING + ENCODER + "'[' + '{},' * 900_000 + '{}]'", "LW303"),
        (REACHING + "guest('program').LoadError = None\nraise ValueError", "LW303"),
    ],
)  # fmt: skip
def test_a_program_that_makes_loading_answer_nonsense_is_refused_with_a_short_finding(sandbox, top, expected):
    with pytest.raises(InvalidBundle) as refused:
        sandbox.load(make_task(), [program(f"{top}\n\ndef label(text):\n    return None\n")])
    (finding,) = refused.value.findings
    assert finding.code == expected
    assert len(finding.message) < 800
    assert 0 <= finding.line <= 1_000_000
