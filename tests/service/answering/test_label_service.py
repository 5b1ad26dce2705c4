from __future__ import annotations

import json

import grpc
import pytest
from labelwright.core.bundle import read_folder
from labelwright.core.record import pack
from labelwright.core.vote import ABSTAIN, is_error, is_label
from labelwright.core.wire.messages import bundle_to_message, record_from_text, record_to_message
from labelwright.sandbox import Labeler, Sandbox
from labelwright.v1 import label_service_pb2 as pb
from labelwright.v1 import registry_service_pb2
from labelwright.v1.label_service_pb2_grpc import LabelServiceStub
from labelwright.v1.registry_service_pb2_grpc import RegistryServiceStub

from tests.parts.repository import EXAMPLES
from tests.parts.service import Service, until
from tests.service.bundles import (
    LOOPS,
    MIXED,
    MIXED_FIELDS,
    PRIZE,
    RAISES,
    files,
    new_name,
    promote,
    push_version,
    serve,
    wait_for,
)

EXAMPLE = EXAMPLES / "spam"


@pytest.fixture(scope="module")
def example(registry_stub: RegistryServiceStub, stub: LabelServiceStub) -> registry_service_pb2.Version:
    bundle, _ = read_folder(EXAMPLE / "bundle")
    assert bundle is not None
    version = serve(registry_stub, {file.path: file.content for file in bundle_to_message(bundle).files})
    wait_for(stub, version)
    return version


@pytest.fixture(scope="module")
def texts() -> list[str]:
    rows = (EXAMPLE / "unlabeled.jsonl").read_text().splitlines()
    return [json.loads(row)["text"] for row in rows][:300]


def seen(labeling: pb.Labeling) -> tuple[str | None, float, bool]:
    return labeling.label if labeling.HasField("label") else None, labeling.probability, labeling.degraded


def test_answers_are_those_of_the_labeler_alone_and_in_batches(
    example: registry_service_pb2.Version, texts: list[str], stub: LabelServiceStub
) -> None:
    bundle, _ = read_folder(EXAMPLE / "bundle")
    assert bundle is not None
    packed = [pack(record_from_text(bundle.task, text), 1 << 20) for text in texts]
    with Sandbox() as sandbox:
        labeler = Labeler.open(sandbox, bundle)
        expected = labeler.label(packed)
        labeler.close()
    names = bundle.task.label_names
    want = [
        (None if item.decision.label == ABSTAIN else names[item.decision.label], item.decision.probability)
        for item in expected
    ]
    singles = [stub.Label(pb.LabelRequest(task="spam", text=text)).labeling for text in texts[:50]]
    batch = stub.LabelBatch(pb.LabelBatchRequest(task="spam", texts=texts, explain=True))
    again = [
        outcome
        for start in range(0, len(texts), 7)
        for outcome in stub.LabelBatch(pb.LabelBatchRequest(task="spam", texts=texts[start : start + 7])).outcomes
    ]
    assert [seen(item)[:2] for item in singles] == want[:50]
    assert [seen(item.labeling)[:2] for item in batch.outcomes] == want
    assert [seen(item.labeling)[:2] for item in again] == want
    assert len({label for label, _ in want}) == 3  # both labels and abstentions: the comparison means something
    for outcome, item in zip(batch.outcomes, expected, strict=True):
        assert [vote.program for vote in outcome.labeling.votes] == list(bundle.program_names)
        told = [vote.label if vote.HasField("label") else None for vote in outcome.labeling.votes]
        assert told == [names[vote] if is_label(vote) else None for vote in item.votes]
        assert not any(is_error(vote) for vote in item.votes)
    assert batch.served.digest == example.digest


def shares(labeling: pb.Labeling) -> dict[str, float]:
    return {item.label: item.probability for item in labeling.distribution}


def test_the_distribution_comes_where_it_is_asked_for(
    example: registry_service_pb2.Version, texts: list[str], stub: LabelServiceStub
) -> None:
    plain = stub.LabelBatch(pb.LabelBatchRequest(task="spam", texts=texts))
    assert not any(outcome.labeling.distribution for outcome in plain.outcomes)
    outcomes = stub.LabelBatch(pb.LabelBatchRequest(task="spam", texts=texts, distribution=True)).outcomes
    assert [seen(item.labeling) for item in outcomes] == [seen(item.labeling) for item in plain.outcomes]
    kinds = set()
    for item in (outcome.labeling for outcome in outcomes):
        kinds.add((item.HasField("label"), len(item.distribution)))
        if item.distribution:
            assert [share.label for share in item.distribution] == ["ham", "spam"]
            assert sum(shares(item).values()) == pytest.approx(1)
        if item.HasField("label"):
            assert shares(item)[item.label] == item.probability
    assert kinds == {(True, 2), (False, 2), (False, 0)}, "labels, ties, and records on which no program votes"


def test_the_distribution_is_the_same_in_every_call_and_from_every_cache(
    spam: registry_service_pb2.Version, stub: LabelServiceStub
) -> None:
    request = pb.LabelRequest(task=spam.task, text="a prize for a distribution", distribution=True)
    first, second = stub.Label(request).labeling, stub.Label(request).labeling
    assert (first.source, second.source) == (pb.SOURCE_COMPUTED, pb.SOURCE_MEMORY)
    assert shares(first) == shares(second) == {"ham": 0.0, "spam": 1.0}
    mixed = [request, pb.LabelRequest(task=spam.task, text=request.text), request]
    answers = list(stub.LabelStream(iter(pb.LabelStreamRequest(request=item) for item in mixed)))
    assert [bool(answer.outcome.labeling.distribution) for answer in answers] == [True, False, True]


def test_the_second_answer_comes_from_memory_with_its_votes(
    spam: registry_service_pb2.Version, stub: LabelServiceStub
) -> None:
    request = pb.LabelRequest(task=spam.task, text="a prize that nobody asked about before")
    first, second = stub.Label(request), stub.Label(request)
    assert (first.labeling.source, second.labeling.source) == (pb.SOURCE_COMPUTED, pb.SOURCE_MEMORY)
    assert seen(first.labeling) == seen(second.labeling) == ("spam", 1.0, False)
    explained = stub.Label(pb.LabelRequest(task=spam.task, text=request.text, explain=True)).labeling
    assert explained.source == pb.SOURCE_MEMORY
    assert [(vote.program, vote.WhichOneof("vote"), vote.label) for vote in explained.votes] == [
        ("prize", "label", "spam"),
        ("short", None, ""),
    ]


def test_an_explained_vote_says_what_the_program_failed_with(
    registry_stub: RegistryServiceStub, stub: LabelServiceStub
) -> None:
    divides = 'def label(text):\n    return "ham" if 10 // len(text) else None\n'
    version = serve(registry_stub, files(new_name(), raises=RAISES, divides=divides, prize=PRIZE))
    wait_for(stub, version)
    for source in (pb.SOURCE_COMPUTED, pb.SOURCE_MEMORY):
        labeling = stub.Label(pb.LabelRequest(task=version.task, text="boom\x1b[31m", explain=True)).labeling
        assert labeling.source == source
        assert {vote.program: vote.message for vote in labeling.votes} == {
            "divides": "",
            "prize": "",
            "raises": "ValueError: boom\ufffd[31m (line 3)",
        }
    texts = ["", "a prize", "", "boom"]
    batch = stub.LabelBatch(pb.LabelBatchRequest(task=version.task, texts=texts, explain=True))
    told = [[vote.message for vote in outcome.labeling.votes if vote.message] for outcome in batch.outcomes]
    divided = "ZeroDivisionError: division by zero (line 2)"
    assert told == [[divided], [], [divided], ["ValueError: boom (line 3)"]]
    assert not stub.Label(pb.LabelRequest(task=version.task, text="boom")).labeling.votes


def test_equal_records_of_a_batch_get_equal_answers(spam: registry_service_pb2.Version, stub: LabelServiceStub) -> None:
    prize = "a prize for two, and a journey to the sea"
    reply = stub.LabelBatch(pb.LabelBatchRequest(task=spam.task, texts=[prize, "short one", prize]))
    assert [outcome.labeling.label for outcome in reply.outcomes] == ["spam", "ham", "spam"]
    assert reply.outcomes[0] == reply.outcomes[2]
    assert reply.outcomes[0].labeling.source == pb.SOURCE_COMPUTED


def test_one_faulty_record_does_not_fail_the_others(spam: registry_service_pb2.Version, stub: LabelServiceStub) -> None:
    good = record_to_message({"text": "short"})
    bad = record_to_message({"text": "short", "surprise": 1})
    reply = stub.LabelBatch(pb.LabelBatchRequest(task=spam.task, records=[good, bad, good]))
    assert [outcome.WhichOneof("outcome") for outcome in reply.outcomes] == ["labeling", "error", "labeling"]
    assert (reply.outcomes[1].error.reason, reply.outcomes[1].error.field) == ("INVALID_RECORD", "'surprise'")


def test_an_empty_batch_says_which_version_would_answer(
    spam: registry_service_pb2.Version, stub: LabelServiceStub
) -> None:
    reply = stub.LabelBatch(pb.LabelBatchRequest(task=spam.task))
    assert (len(reply.outcomes), reply.served.digest, reply.served.alias) == (0, spam.digest, "production")


def test_every_kind_of_field_arrives(registry_stub: RegistryServiceStub, stub: LabelServiceStub) -> None:
    version = serve(registry_stub, files(new_name(), fields=MIXED_FIELDS, mixed=MIXED))
    wait_for(stub, version)
    calm = {"text": "é" * 10, "count": 3, "urgent": False, "scores": [1.5, 2.5]}
    records = [calm, {**calm, "urgent": True}, {**calm, "blob": b"\x00\xff" * 60}, {**calm, "scores": [99.0, 0.5]}]
    batch = pb.LabelBatchRequest(task=version.task, records=[record_to_message(record) for record in records])
    labels = [outcome.labeling.label for outcome in stub.LabelBatch(batch).outcomes]
    assert labels == ["ham", "spam", "spam", "spam"]


def test_failing_programs_degrade_and_lasting_errors_are_cached(
    registry_stub: RegistryServiceStub, stub: LabelServiceStub, service: Service
) -> None:
    version = serve(registry_stub, files(new_name(), limits="time_ms = 50", loops=LOOPS, prize=PRIZE, raises=RAISES))
    wait_for(stub, version)

    def ask(text: str) -> pb.Labeling:
        return stub.Label(pb.LabelRequest(task=version.task, text=text, explain=True), timeout=20).labeling

    for text, program, error, source in (
        ("prize boom", 2, pb.VOTE_ERROR_RAISED, pb.SOURCE_MEMORY),
        ("prize loop", 0, pb.VOTE_ERROR_TIMEOUT, pb.SOURCE_COMPUTED),
    ):
        first, second = ask(text), ask(text)
        assert seen(first) == seen(second) == ("spam", 1.0, True)
        assert first.votes[program].error == second.votes[program].error == error
        assert (first.source, second.source) == (pb.SOURCE_COMPUTED, source)
    assert service.total("labelwright_program_errors_total", task=version.task, program="loops", kind="TIMEOUT") == 2


def test_callers_with_less_time_than_a_looping_program_get_an_answer_without_it(
    registry_stub: RegistryServiceStub, stub: LabelServiceStub
) -> None:
    version = serve(registry_stub, files(new_name(), limits="time_ms = 1500", loops=LOOPS, prize=PRIZE))
    wait_for(stub, version)
    request = pb.LabelRequest(task=version.task, text="a prize in a loop", explain=True)
    with pytest.raises(grpc.RpcError) as late:
        stub.Label(request, timeout=1)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    until(lambda: stub.Label(request, timeout=1), seconds=120)
    labeling = stub.Label(request, timeout=20).labeling
    assert seen(labeling) == ("spam", 1.0, True)
    assert [vote.error for vote in labeling.votes] == [pb.VOTE_ERROR_TIMEOUT, 0]


def test_versions_are_served_by_number_and_alias(registry_stub: RegistryServiceStub, stub: LabelServiceStub) -> None:
    name = new_name()
    one = serve(registry_stub, files(name))
    two = push_version(registry_stub, files(name, only=PRIZE.replace("prize", "offer")))
    promote(registry_stub, two, "candidate")
    wait_for(stub, one)
    wait_for(stub, two, "candidate")
    by_number = stub.Label(pb.LabelRequest(task=name, version=2, text="an offer"))
    assert (by_number.served.version, by_number.served.alias, by_number.labeling.label) == (2, "", "spam")
    by_alias = stub.Label(pb.LabelRequest(task=name, alias="candidate", text="an offer"))
    assert (by_alias.served.digest, by_alias.served.alias) == (two.digest, "candidate")
    assert stub.Label(pb.LabelRequest(task=name, text="an offer")).labeling.label == "ham"


def test_a_stream_keeps_its_order_and_outlives_errors(
    spam: registry_service_pb2.Version, stub: LabelServiceStub
) -> None:
    texts = ["prize", "short", None, "a prize at the end of a rather long text"] * 25
    requests = [
        pb.LabelStreamRequest(
            correlation_id=str(number),
            request=pb.LabelRequest(task=spam.task if text else "no-such-task", text=text or "x"),
        )
        for number, text in enumerate(texts)
    ]
    replies = list(stub.LabelStream(iter(requests), timeout=30))
    assert [reply.correlation_id for reply in replies] == [str(number) for number in range(len(texts))]
    assert {reply.outcome.error.reason for reply in replies[2::4]} == {"TASK_NOT_FOUND"}
    assert {reply.outcome.labeling.label for reply in replies[3::4]} == {"spam"}
    assert {reply.served.digest for reply in replies} == {spam.digest, ""}


def test_a_stream_mixes_tasks_versions_and_faulty_records(
    registry_stub: RegistryServiceStub, spam: registry_service_pb2.Version, stub: LabelServiceStub
) -> None:
    other = serve(registry_stub, files(new_name(), only=PRIZE.replace("prize", "offer")))
    wait_for(stub, other)
    kinds = [
        (pb.LabelRequest(task=spam.task, text="a prize for the whole family"), spam.digest, "spam"),
        (pb.LabelRequest(task=other.task, text="an offer"), other.digest, "spam"),
        (pb.LabelRequest(task=spam.task), spam.digest, "INVALID_REQUEST"),
        (pb.LabelRequest(task=spam.task, version=99, text="x"), "", "VERSION_NOT_FOUND"),
        (pb.LabelRequest(task=spam.task, version=1, text="short", explain=True), spam.digest, "ham"),
    ] * 40
    replies = stub.LabelStream((pb.LabelStreamRequest(request=request) for request, _, _ in kinds), timeout=60)
    for reply, (_, digest, said) in zip(replies, kinds, strict=True):
        assert reply.served.digest == digest
        assert said == (reply.outcome.labeling.label or reply.outcome.error.reason)


def test_health_is_told_by_name(service: Service) -> None:
    assert [service.health(name) for name in ("", "labelwright.v1.LabelService")] == ["SERVING", "SERVING"]
    until(lambda: service.total("labelwright_registry_connected") == 1)
