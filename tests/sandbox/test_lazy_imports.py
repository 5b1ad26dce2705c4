"""What the library imports only once a function is called is there: at run time there are no files to read it from."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelwright.core.vote import VoteError
from labelwright.sandbox import Sandbox, build

from tests.sandbox.programs import evaluate, make_task, packed, program

MODULES = (
    "base64, binascii, collections, copy, dataclasses, datetime, decimal, difflib, enum, fractions, functools, "
    "hashlib, html, ipaddress, json, math, re, statistics, string, struct, textwrap, typing, unicodedata, urllib.parse"
)
RIGHT = {
    "strptime": "datetime.datetime.strptime('2 Jan 2026', '%d %b %Y').month == 1",
    "strptime_of_date": "datetime.datetime.strptime('11:30 PM', '%I:%M %p').hour == 23",
    "strftime": "datetime.date(2026, 1, 2).strftime('%d.%m.%Y') == '02.01.2026'",
    "strftime_in_format": "f'{datetime.datetime(2026, 1, 2):%A}' == 'Friday'",
    "big_divmod": "divmod(10**9000, 7**4000)[1] > 0",
    "big_quotient": "3**40000 // 7**9000 > 0",
    "big_text": "len(str(10**4200)) == 4201 and int('9' * 4200) > 0",
    "copied": "copy.deepcopy([datetime.date(2026, 1, 2), decimal.Decimal(1), fractions.Fraction(1, 2)])",
    "html_diff": "'diff' in difflib.HtmlDiff().make_file(['a'], ['b'])",
    "digest": "hashlib.new('sha3_256', b'x').hexdigest()",
    "kernel": "statistics.kde([1, 2, 3], 1.0)(2) > 0",
    "hosts": "ipaddress.ip_network('10.0.0.0/30').num_addresses == 4",
    "names": "'\\N{BULLET}'.encode('ascii', 'namereplace') == b'\\\\N{BULLET}'",
    "domain": "'bücher.de'.encode('idna') == b'xn--bcher-kva.de'",
}
CODECS = (
    "ascii cp437 cp1250 cp1252 iso-8859-15 koi8-r latin-1 mac-roman raw_unicode_escape utf-7 utf-16 utf-32-be".split()
)
WALK = """
import dis, importlib.util, sys, types
from labelwright_guest.isolation import _LAZY, _ORIGINALS


def codes(value):
    value = getattr(value, "__wrapped__", value)
    value = getattr(value, "__func__", getattr(value, "fget", value))
    if isinstance(value, types.FunctionType):
        value = value.__code__
    if isinstance(value, types.CodeType):
        yield value
        for constant in value.co_consts:
            yield from codes(constant)


def imports(code, package):
    level = [0, 0]
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            yield importlib.util.resolve_name("." * (level[0] or 0) + instruction.argval, package)
        level = [level[1], instruction.argval if isinstance(instruction.argval, int) else 0]


modules = [*_ORIGINALS.values(), *(sys.modules[name] for name in _LAZY)]
modules += [value for module in modules for value in vars(module).values() if isinstance(value, types.ModuleType)]
missing = set()
for module in {module.__name__: module for module in modules}.values():
    for value in list(vars(module).values()):
        owner = getattr(value, "__module__", None) or ""
        for part in [value, *(vars(value).values() if isinstance(value, type) else ())]:
            for code in codes(part):
                for name in imports(code, sys.modules.get(owner, module).__package__):
                    if name not in sys.modules:
                        missing.add(f"{module.__name__}.{code.co_qualname}:{name}")
raise SystemExit("MISSING " + " ".join(sorted(missing)) + " END")
"""
NEVER = {
    *("ast.main", "base64.main", "calendar._CLIDemoCalendar.formatweek", "calendar.main", "dis.main", "inspect._main"),
    *("os.popen", "random._parse_args", "sys.register_readline", "tokenize._main"),
    *("warnings._formatwarnmsg_impl", "warnings._warn_unawaited_coroutine"),
}
"""Functions that only commands, consoles and shown warnings call, and one that starts a process."""


@pytest.mark.parametrize("name", RIGHT)
def test_a_function_that_imports_when_it_is_called(sandbox: Sandbox, name: str) -> None:
    source = f"import {MODULES}\n\n\ndef label(text):\n    return 'spam' if {RIGHT[name]} else 'ham'\n"
    evaluation = evaluate(sandbox, make_task(), [program(source)], packed(make_task(), "one", "two"))
    assert (evaluation.votes, evaluation.messages) == ([(0,), (0,)], {})


def test_a_codec_is_there_or_not_known(sandbox: Sandbox) -> None:
    source = "def label(text):\n    return 'spam' if 'abc'.encode(text).decode(text) == 'abc' else 'ham'\n"
    missing = ["cp037", "shift_jis", "mbcs", "no-such"]
    evaluation = evaluate(sandbox, make_task(), [program(source)], packed(make_task(), *CODECS, *missing))
    assert [vote for (vote,) in evaluation.votes] == [0] * len(CODECS) + [VoteError.RAISED] * len(missing)
    assert evaluation.messages["program"].startswith("LookupError: unknown encoding: cp037")


def test_what_c_code_imports_is_no_way_to_a_module(sandbox: Sandbox) -> None:
    source = "def label(text):\n    import {0}\n    return 'spam'\n"
    programs = [program(source.format(name), name.strip("_")) for name in ("time", "_strptime", "_pylong")]
    assert evaluate(sandbox, make_task(), programs, packed(make_task(), "x")).votes == [(VoteError.RAISED,) * 3]


@pytest.mark.slow
def test_every_module_that_a_function_of_the_library_imports_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(build, "_APP", WALK.replace("{", "{{").replace("}", "}}"))
    with pytest.raises(build.BuildFailed) as failed:
        build.build_component(tmp_path / "walked.wasm")
    said = str(failed.value)
    assert "MISSING" in said
    missing = said.partition("MISSING ")[2].partition(" END")[0].split()
    assert {place.partition(":")[0] for place in missing} == NEVER
