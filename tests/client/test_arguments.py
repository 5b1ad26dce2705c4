"""Wrong arguments: every one of every method, a typed error that names it, or an answer; never anything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from labelwright.client import Client, Registry, Review, RunClient, RunState, Trigger
from labelwright.core.errors import ConfigurationError, InvalidRecord, InvalidRequest, LabelwrightError

from tests.parts.example_bundles import SPAM
from tests.parts.registry import Registry as RegistryProcess
from tests.parts.service import Service

SURROGATE = "mo\ud83d"
WRONG: dict[str, object] = {
    "surrogate": SURROGATE,
    "bytes": b"spam",
    "none": None,
    # Beyond any revision that a registry in a test gets to: a watch from its present one rightly waits.
    "int": 1 << 20,
    "huge": 10**5000,
    "negative": -1,
    "nan": float("nan"),
    "list": ["x"],
    "dict": {},
    "empty": "",
    "nul": "a\0b",
    "object": object(),
}
# Each method with arguments that are right, or wrong only in that there is no such thing.
RIGHT: dict[str, dict[str, Any]] = {
    "Client.label": {"task": "nosuch", "record": "x", "version": 1, "timeout": 5.0},
    "Client.label alias": {"task": "nosuch", "record": "x", "alias": "a", "timeout": 5.0},
    "Client.label_batch": {"task": "nosuch", "records": ["x"], "version": 1, "timeout": 5.0},
    "Client.label_stream": {"task": "nosuch", "records": ["x"], "version": 1, "timeout": 5.0},
    "Registry.push": {"bundle": SPAM, "author": "a", "message": "b", "validate_only": True, "timeout": 60.0},
    "Registry.versions": {"task": "nosuch"},
    "Registry.version": {"task": "nosuch", "version": 1},
    "Registry.download": {"task": "nosuch", "version": 1},
    "Registry.aliases": {"task": "nosuch"},
    "Registry.set_alias": {"task": "nosuch", "version": 1, "alias": "a", "actor": "b", "reason": "c"},
    "Registry.set_alias expected": {"task": "nosuch", "version": 1, "expected_version": 1},
    "Registry.delete_alias": {"task": "nosuch", "alias": "a", "actor": "b", "reason": "c"},
    "Registry.rollback": {"task": "nosuch", "alias": "a", "actor": "b", "reason": "c", "expected_version": 1},
    "Registry.history": {"task": "nosuch", "alias": "a", "limit": 1},
    "Registry.watch": {"tasks": ["nosuch"], "since_revision": 0, "since_incarnation": "i"},
    "RunClient.start": {"task": "nosuch", "trigger": Trigger.MANUAL, "key": "k", "reason": "r", "actor": "a"},
    "RunClient.claim": {"worker": "w", "lease_seconds": 1},
    "RunClient.renew": {"run_id": 1 << 40, "lease": "l", "lease_seconds": 1},
    "RunClient.advance": {
        "run_id": 1 << 40,
        "lease": "l",
        "from_state": RunState.TRIGGERED,
        "to_state": RunState.FAILED,
        "message": "m",
        "facts": {},
        "base_version": 1,
        "candidate_version": 1,
    },
    "RunClient.put_file": {"run_id": 1 << 40, "lease": "l", "name": "n", "content": b"c", "cost": None},
    "RunClient.get_file": {"run_id": 1 << 40, "name": "n"},
    "RunClient.list_files": {"run_id": 1 << 40, "prefix": "p"},
    "RunClient.review": {"run_id": 1 << 40, "review": Review.CANCEL, "actor": "a", "reason": "r"},
    "RunClient.get": {"run_id": 1 << 40},
    "RunClient.list": {"task": "nosuch"},
}
ARGUMENTS = [(method, name) for method, given in RIGHT.items() for name in given if name != "validate_only"]
UNQUOTED = [pair for pair in ARGUMENTS if pair not in {("RunClient.start", "reason"), ("RunClient.advance", "message")}]
"""Without those that may quote anything: there, what cannot be sent is left out."""
NAMED = {"record": "text", "key": "trigger_key"}
"""Arguments whose fault bears the name of a field."""


@pytest.fixture(scope="module")
def clients(service: Service, registry: RegistryProcess) -> Iterator[dict[str, Any]]:
    with Client(service.address) as labels, Registry(registry.address) as versions, RunClient(registry.address) as runs:
        yield {"Client": labels, "Registry": versions, "RunClient": runs}


def call(clients: dict[str, Any], method: str, **given: object) -> None:
    """Call the method, and read the first of what it yields where it yields."""
    client, _, name = method.partition(" ")[0].partition(".")
    answer = getattr(clients[client], name)(**given)
    if isinstance(answer, Iterator):
        next(answer, None)


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize(("method", "name"), ARGUMENTS, ids=[f"{method}-{name}" for method, name in ARGUMENTS])
def test_a_wrong_argument_is_answered_or_a_typed_error(
    method: str, name: str, kind: str, clients: dict[str, Any]
) -> None:
    try:
        call(clients, method, **{**RIGHT[method], name: WRONG[kind]})
    except LabelwrightError as error:
        told = error.message
    else:
        told = ""
    assert len(told.encode()) < 300


@pytest.mark.parametrize(("method", "name"), UNQUOTED, ids=[f"{method}-{name}" for method, name in UNQUOTED])
def test_half_a_surrogate_pair_is_refused_with_the_name_of_the_argument(
    method: str, name: str, clients: dict[str, Any]
) -> None:
    value = [SURROGATE] if name in ("records", "tasks") else {SURROGATE: 1} if name == "facts" else SURROGATE
    if method == "Client.label_batch" and name == "records":
        (failure,) = clients["Client"].label_batch("nosuch", value)
        assert (failure.reason, failure.field) == ("INVALID_RECORD", "text")
        return
    if method == "Client.label_stream" and name == "records":
        (failure,) = clients["Client"].label_stream("nosuch", value)
        assert (failure.reason, failure.field) == ("INVALID_RECORD", "text")
        return
    with pytest.raises((InvalidRequest, InvalidRecord)) as caught:
        call(clients, method, **{**RIGHT[method], name: value})
    assert caught.value.metadata["field"] == NAMED.get(name, name)


@pytest.mark.parametrize(
    "record",
    [{"text": SURROGATE}, {"text": [SURROGATE]}, {"text": {"a": SURROGATE}}, {"text": [10**400]}, {"text": {1, 2}}],
    ids=["text", "list", "dict", "huge", "set"],
)
def test_a_value_that_cannot_be_sent_is_refused_with_the_name_of_its_field(
    record: dict[str, object], client: Client
) -> None:
    with pytest.raises(InvalidRecord) as caught:
        client.label("nosuch", record)
    assert caught.value.metadata["field"] == "'text'"


@pytest.mark.parametrize("method", ["Client.label_batch", "Client.label_stream"])
@pytest.mark.parametrize("wrong", ["one text", b"bytes", {"text": "x"}, None, 5])
def test_one_record_in_place_of_many_is_refused(method: str, wrong: object, clients: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        call(clients, method, task="nosuch", records=wrong)
    assert caught.value.metadata["field"] == "records"


def test_a_batch_may_be_any_iterable(client: Client, spam: str) -> None:
    outcomes = client.label_batch(spam, (text for text in ["hi mum see you tomorrow"]))  # type: ignore[arg-type]
    assert [outcome.label for outcome in outcomes] == ["ham"]  # type: ignore[union-attr]


@pytest.mark.parametrize("argument", ["address", "credentials", "retry"])
@pytest.mark.parametrize("kind", ["surrogate", "bytes", "int", "huge", "list", "object"])
def test_a_client_is_not_opened_with_what_cannot_be(argument: str, kind: str) -> None:
    with pytest.raises(ConfigurationError):
        Client(**{"address": "127.0.0.1:1", argument: WRONG[kind]})  # type: ignore[arg-type]
