from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelwright.core.finding import Severity
from labelwright.core.label_model import (
    NO_DECISION,
    Decision,
    EarlierFit,
    LabelModel,
    MajorityVote,
    ProgramChanges,
    WeightedVote,
    dump_weighted,
    earlier_fit,
    parse_label_model,
)
from labelwright.core.vote import ABSTAIN, VoteError, in_conflict, is_error, is_label

LABELS = ["ham", "spam", "eggs"]
PROGRAMS = {"first": "sha256:1", "second": "sha256:2"}
PRIOR = [0.5, 0.3, 0.2]
LIKELIHOOD = [
    [[0.8, 0.1, 0.2], [0.1, 0.7, 0.3], [0.1, 0.2, 0.5]],
    [[0.6, 0.3, 0.3], [0.2, 0.4, 0.3], [0.2, 0.3, 0.4]],
]
SILENT = (ABSTAIN, *VoteError)
some_votes = st.lists(st.sampled_from([0, 1, 2, *SILENT]), max_size=8).map(tuple)


def weighted(min_probability: float = 0.0) -> WeightedVote:
    text = dump_weighted(LABELS, PROGRAMS, PRIOR, LIKELIHOOD, method="test", min_probability=min_probability)
    model, findings = parse_label_model(text, LABELS, PROGRAMS)
    assert findings == []
    assert isinstance(model, WeightedVote)
    return model


@pytest.mark.parametrize(
    ("votes", "decision"),
    [
        ((), NO_DECISION),
        ((ABSTAIN, VoteError.TIMEOUT), NO_DECISION),
        ((1,), Decision(1, 1.0)),
        ((1, 0, 1), Decision(1, 2 / 3)),
        ((0, 1), NO_DECISION),
        ((0, 1, 2, 2, 1), NO_DECISION),
        ((0, ABSTAIN, VoteError.RAISED), Decision(0, 1.0)),
    ],
)
def test_majority(votes: tuple[int, ...], decision: Decision) -> None:
    assert MajorityVote().decide(votes) == decision


@given(votes=some_votes)
def test_majority_does_not_care_for_order_nor_for_the_silent(votes: tuple[int, ...]) -> None:
    decide = MajorityVote().decide
    assert decide(votes) == decide(tuple(reversed(votes))) == decide((*votes, *SILENT))


@given(votes=some_votes)
def test_majority_names_a_label_that_no_other_beats(votes: tuple[int, ...]) -> None:
    decision = MajorityVote().decide(votes)
    counts = [votes.count(label) for label in range(3)]
    if decision == NO_DECISION:
        assert sum(counts) == 0 or counts.count(max(counts)) > 1
    else:
        assert counts[decision.label] > max(count for label, count in enumerate(counts) if label != decision.label)
        assert decision.probability == counts[decision.label] / sum(counts)


@pytest.mark.parametrize("votes", list(itertools.product([0, 1, 2, ABSTAIN], repeat=2)))
def test_weighted_vote_is_bayes_rule(votes: tuple[int, ...]) -> None:
    joint = [
        PRIOR[label] * math.prod(LIKELIHOOD[program][vote][label] for program, vote in enumerate(votes) if vote >= 0)
        for label in range(3)
    ]
    decision = weighted().decide(votes)
    if votes == (ABSTAIN, ABSTAIN):
        assert decision == NO_DECISION
    else:
        assert decision.label == joint.index(max(joint))
        assert decision.probability == pytest.approx(max(joint) / sum(joint))


def test_weighted_vote_abstains_below_its_least_probability() -> None:
    unsure = (1, 0)
    probability = weighted().decide(unsure).probability
    assert weighted(probability - 1e-9).decide(unsure) != NO_DECISION
    assert weighted(probability + 1e-9).decide(unsure) == NO_DECISION


@given(vote=st.sampled_from([0, 1, 2]), error=st.sampled_from(list(VoteError)))
def test_weighted_vote_takes_an_error_for_a_missing_vote(vote: int, error: VoteError) -> None:
    assert weighted().decide((vote, error)) == weighted().decide((vote, ABSTAIN))


@given(votes=some_votes)
def test_a_majoritys_distribution_sums_to_one_and_agrees_with_its_decision(votes: tuple[int, ...]) -> None:
    agrees(MajorityVote(), votes)


@given(votes=st.tuples(*[st.sampled_from([0, 1, 2, *SILENT])] * 2), least=st.sampled_from([0.0, 0.6]))
def test_a_weighted_distribution_sums_to_one_and_agrees_with_its_decision(votes: tuple[int, ...], least: float) -> None:
    agrees(weighted(least), votes)


def agrees(model: LabelModel, votes: tuple[int, ...]) -> None:
    shares, decision = model.distribution(votes), model.decide(votes)
    assert bool(shares) == any(map(is_label, votes))
    if shares:
        assert sum(shares.values()) == pytest.approx(1)
    if decision != NO_DECISION:
        assert shares[decision.label] == decision.probability == max(shares.values())


def test_weighted_vote_stands_a_thousand_programs() -> None:
    model = WeightedVote([math.log(0.5)] * 2, [[[math.log(0.9), math.log(1e-300)]] * 2] * 1000)
    assert model.decide((0,) * 1000) == Decision(0, 1.0)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("{\n", 2, "not valid JSON"),
        ("[" * 100_000, 0, "not valid JSON"),
        ('{"kind": ' + "1" * 5_000 + "}", 0, "not valid JSON"),
        ("[]", 0, "the file: "),
        ('{"kind": "forest"}', 0, "the file: Input tag 'forest'"),
        ('{"kind": "majority", "weights": 1}', 0, "weights: Extra inputs"),
        ('{"kind": "weighted"}', 0, "prior: Field required"),
        ('{"kind": "weighted", "prior": {"ham": 0}, "likelihood": {}}', 0, "prior.ham: Input should be greater than 0"),
        ('{"kind": "weighted", "prior": {"ham": NaN}, "likelihood": {}}', 0, "prior.ham: "),
        ('{"kind": "weighted", "prior": {"\\ud800": 2}, "likelihood": {}}', 0, "prior."),
    ],
)
def test_says_what_is_wrong_with_the_file(text: str, line: int, message: str) -> None:
    model, findings = parse_label_model(text, LABELS, PROGRAMS)
    assert model is None
    assert findings[0].line == line
    assert findings[0].message.startswith(message)
    assert findings[0].message.encode()


def test_says_which_programs_and_labels_do_not_match() -> None:
    text = json.loads(dump_weighted(LABELS, PROGRAMS, PRIOR, LIKELIHOOD, method="test"))
    text["likelihood"]["third"] = text["likelihood"].pop("second")
    del text["likelihood"]["first"]["spam"]["eggs"]
    text["prior"]["bacon"] = 0.1
    _, findings = parse_label_model(json.dumps(text), LABELS, PROGRAMS)
    assert [item.message for item in findings] == [
        "prior has the unknown 'bacon'",
        "likelihood lacks the program 'second': it was added since the fit",
        "likelihood has the program 'third': it was removed since the fit",
        "likelihood.first.spam lacks 'eggs'",
    ]


def test_says_which_programs_were_changed_since_the_fit() -> None:
    text = dump_weighted(LABELS, PROGRAMS, PRIOR, LIKELIHOOD, method="test")
    assert earlier_fit(text, PROGRAMS) == EarlierFit(ProgramChanges(), min_probability=0.0)
    model, findings = parse_label_model(text, LABELS, {**PROGRAMS, "second": "sha256:3"})
    assert model is not None
    (finding,) = findings
    assert (finding.code, finding.severity) == ("LW131", Severity.WARNING)
    assert finding.message.endswith("second")
    assert "labelwright fit" in finding.advice
    moved = earlier_fit(text, {"first": "sha256:4", "third": "sha256:2"})
    assert moved
    assert moved.changes == ProgramChanges(changed=("first",), added=("third",), removed=("second",))


def test_a_file_without_digests_stays_valid() -> None:
    file = json.loads(dump_weighted(LABELS, PROGRAMS, PRIOR, LIKELIHOOD, method="test"))
    del file["programs"]
    model, findings = parse_label_model(json.dumps(file), LABELS, PROGRAMS)
    assert (model is not None, findings) == (True, [])
    assert earlier_fit('{"kind": "majority"}', PROGRAMS) is None
    assert earlier_fit("no JSON", PROGRAMS) is None


def test_kinds_of_votes() -> None:
    assert [(is_label(vote), is_error(vote)) for vote in (0, ABSTAIN, VoteError.RAISED)] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert in_conflict((0, 1))
    assert not in_conflict((0, 0, ABSTAIN, VoteError.STACK))
