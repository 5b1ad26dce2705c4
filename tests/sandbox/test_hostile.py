import re

import pytest
from labelwright.core.errors import InvalidBundle
from labelwright.core.vote import VoteError
from labelwright.sandbox.static_checks import check_program

from tests.parts.repository import ROOT
from tests.sandbox.hostile.families import FAMILIES
from tests.sandbox.programs import HOSTILE, make_task, packed, program

TASK = make_task(time_ms=5000)
HURRIED = make_task(time_ms=40)
TEXTS = ("win a free prize", "see you at ten", "")
PRIZE = program(
    "import re\n\ndef label(text):\n    return 'spam' if re.search('free|prize', text) else None\n", "a_prize"
)
LENGTH = program(
    "import decimal, html, string\n\ndef label(text):\n"
    "    if html.unescape('&amp;') != '&' or len(str(decimal.Decimal(2) / 3)) != 30:\n        return None\n"
    "    return 'ham' if sum(c in string.ascii_letters for c in text) < 12 else 'spam'\n",
    "z_length",
)
HEALTHY = ([0, -1, -1], [0, 1, 1])


FILES = {path.name.partition(".")[0]: path.read_text() for path in sorted(HOSTILE.glob("*.py.txt"))}
FAMILY_MEMBERS = {
    f"{family}-{name}": f"# expect: {expected}\n{source}"
    for family, (expected, members) in FAMILIES.items()
    for name, source in members.items()
}


def expectations(source):
    words = source.splitlines()[0].removeprefix("# expect: ").split(", ")
    return words[0].split("/"), words[1:]


@pytest.mark.parametrize("name", [*FILES, *(pytest.param(name, marks=pytest.mark.slow) for name in FAMILY_MEMBERS)])
def test_a_hostile_program_gets_what_it_deserves_and_the_others_stand(sandbox, name):
    source = (FILES | FAMILY_MEMBERS)[name]
    expected, codes = expectations(source)
    hostile = program(source, "hostile")
    task = HURRIED if "TIMEOUT" in expected else TASK
    found = {finding.code for finding in check_program(task, hostile)}
    assert found >= set(codes)
    records = packed(task, *TEXTS)
    if expected == ["load"]:
        with pytest.raises(InvalidBundle) as refused:
            sandbox.load(task, [PRIZE, hostile, LENGTH])
        assert [finding.file for finding in refused.value.findings] == ["programs/hostile.py"]
        return
    executable = sandbox.load(task, [PRIZE, hostile, LENGTH])
    try:
        votes = executable.evaluate(records).votes
        again = executable.evaluate(records[::-1]).votes[::-1]
    finally:
        executable.close()
    allowed = {TASK.label_names.index(name) if name in TASK.labels else VoteError[name] for name in expected}
    for rows in (votes, again):
        first, middle, last = map(list, zip(*rows, strict=True))
        assert (first, last) == HEALTHY
        assert set(middle) <= allowed


def test_there_are_a_hundred_and_fifty_hostile_programs_at_least():
    assert len(set((FILES | FAMILY_MEMBERS).values())) >= 150


def test_every_family_is_documented():
    documented = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "hostile.md").read_text(), re.MULTILINE)
    assert documented == list(FAMILIES)
