"""What a program keeps from one record for the next is found by reading, and what only looks like it is not."""

import ast
import time

import pytest
from labelwright.core.finding import Severity
from labelwright.sandbox.determinism import check_determinism
from labelwright.sandbox.static_checks import check_program, history

from tests.sandbox.programs import make_task, program

TASK = make_task()
ODD = "return 'spam' if {} % 2 else 'ham'"


def label(*lines, top=""):
    return top + "\n\ndef label(text):\n" + "".join(f"    {line}\n" for line in lines)


KEEPS = {
    "item": label("N[0] += 1", ODD.format("N[0]"), top="N = [0]"),
    "item_anew": label("N[0] = N[0] + 1", "return 'spam' if N[0] > 3 else None", top="N = [0]"),
    "one_of_two": label("N[0] += 1", ODD.format("N[0]"), top="WORDS, N = ['a'], [0]"),
    "other_name": label("mine = N", "mine[0] += 1", ODD.format("mine[0]"), top="N = [0]"),
    "key": label("COUNTS['all'] += 1", ODD.format("COUNTS['all']"), top="COUNTS = {'all': 0}"),
    "get": label("D[text] = D.get(text, 0) + 1", "return 'spam' if D[text] > 2 else None", top="D = {}"),
    "counter": label(
        "C.update(text.split())",
        "return 'spam' if C.most_common(1)[0][1] > 2 else None",
        top="from collections import Counter\n\nC = Counter()",
    ),
    "global": label("global N", "N += 1", ODD.format("N"), top="N = 0"),
    "list": label("SEEN.append(text)", ODD.format("len(SEEN)"), top="SEEN = []"),
    "helper": label(
        ODD.format("note(text)"), top="SEEN = []\n\ndef note(t):\n    SEEN.append(t)\n    return len(SEEN)"
    ),
    "window": label(
        "LAST.append(text)",
        "return 'spam' if LAST.count(text) > 1 else None",
        top="from collections import deque\n\nLAST = deque(maxlen=3)",
    ),
    "used_up": label("return WORDS.pop() if WORDS.count('spam') else None", top="WORDS = ['spam', 'ham']"),
    "turned": label("WORDS.reverse()", "return WORDS[0]", top="WORDS = ['spam', 'ham']"),
    "default": label(ODD.format("count()"), top="def count(seen=[]):\n    seen.append(1)\n    return len(seen)"),
    "closure": label(
        ODD.format("STEP()"),
        top="def make():\n    n = 0\n\n    def step():\n        nonlocal n\n        n += 1\n        return n\n\n"
        "    return step\n\nSTEP = make()",
    ),
    "decorator": label(
        ODD.format("score(text)"),
        top="def counted(f):\n    n = [0]\n\n    def g(x):\n        n[0] += 1\n        return f(x) + n[0]\n\n"
        "    return g\n\n@counted\ndef score(x):\n    return 1",
    ),
    "object": label(
        ODD.format("METER.tick()"),
        top="class Meter:\n    def __init__(self):\n        self.n = 0\n\n    def tick(self):\n        self.n += 1\n"
        "        return self.n\n\nMETER = Meter()",
    ),
    "attribute": label("K.n += 1", ODD.format("K.n"), top="class Kept:\n    n = 0\n\nK = Kept()"),
    "class_list": label(
        ODD.format("Finder().find(text)"),
        top="class Finder:\n    hits = []\n\n    def find(self, t):\n        self.hits.append(t)\n"
        "        return len(self.hits)",
    ),
    "class_method": label(
        ODD.format("Meter.tick()"),
        top="class Meter:\n    n = 0\n\n    @classmethod\n    def tick(cls):\n        cls.n += 1\n        return cls.n",
    ),
    "count": label(ODD.format("next(N)"), top="import itertools\n\nN = itertools.count()"),
    "cycle": label("return next(TURN)", top="from itertools import cycle\n\nTURN = cycle(['spam', 'ham'])"),
    "expression": label("return 'spam' if text in WORDS else None", top="WORDS = (word for word in ['a', 'b'])"),
    "map": label(
        "return 'spam' if any(p.search(text) for p in PATTERNS) else None",
        top="import re\n\nPATTERNS = map(re.compile, ['a', 'b'])",
    ),
    "generator": label("return next(G)", top="def turns():\n    while True:\n        yield 'spam'\n\nG = turns()"),
    "cache_size": label(
        "size(text)",
        ODD.format("size.cache_info().misses"),
        top="from functools import lru_cache\n\n@lru_cache\ndef size(t):\n    return len(t)",
    ),
    "chance": label(
        "return 'spam' if NormalDist().samples(1)[0] > 0 else 'ham'", top="from statistics import NormalDist"
    ),
    "address": label(ODD.format("hash(object())")),
    "address_of_function": label(ODD.format("hash(label)")),
    "rarely": label("if text.startswith('rare'):", "    N[0] += 1", "    " + ODD.format("N[0]"), top="N = [0]"),
}

HARMLESS = {
    "cache": label(
        "if text not in KNOWN:", "    KNOWN[text] = len(text)", "return KNOWN[text] and None", top="KNOWN = {}"
    ),
    "cache_by_exception": label(
        "return 'spam' if size(text) > 3 else None",
        top="KNOWN = {}\n\ndef size(t):\n    try:\n        return KNOWN[t]\n    except KeyError:\n"
        "        KNOWN[t] = found = len(t)\n        return found",
    ),
    "bounded_cache": label(
        "return 'spam' if size(text) > 3 else None",
        top="KNOWN = {}\nORDER = []\n\ndef size(t):\n    if t in KNOWN:\n        return KNOWN[t]\n"
        "    KNOWN[t] = len(t)\n    ORDER.append(t)\n    if len(ORDER) > 100:\n"
        "        KNOWN.pop(ORDER.pop(0))\n    return KNOWN[t]",
    ),
    "recursive_cache": label(
        "return 'spam' if fib(len(text)) % 2 else None",
        top="def fib(n, known={0: 0, 1: 1}):\n    if n not in known:\n        known[n] = fib(n - 1) + fib(n - 2)\n"
        "    return known[n]",
    ),
    "lru_cache": label(
        "return 'spam' if size(text) > 3 else None",
        top="import functools\n\n@functools.lru_cache(maxsize=100)\ndef size(t):\n    return len(t)",
    ),
    "filled_on_demand": label(
        "return 'spam' if any(word in text for word in words()) else None",
        top="WORDS = []\n\ndef words():\n    if not WORDS:\n        for word in 'a b'.split():\n"
        "            WORDS.append(word)\n    return WORDS",
    ),
    "filled_once": label(
        "if not READY:",
        "    fill()",
        "return 'spam' if any(word in text for word in WORDS) else None",
        top="WORDS = []\nREADY = False\n\ndef fill():\n    global READY\n    READY = True\n    WORDS.append('a')",
    ),
    "compiled_on_demand": label(
        "global P",
        "if P is None:",
        "    P = re.compile('a')",
        "return 'spam' if P.search(text) else None",
        top="import re\n\nP = None",
    ),
    "registered": label(
        "return 'spam' if any(rule(text) for rule in RULES) else None",
        top="RULES = []\n\ndef rule(f):\n    RULES.append(f)\n    return f\n\n@rule\ndef long(t):\n"
        "    return len(t) > 9",
    ),
    "built_while_loading": label(
        "return 'spam' if text in T and L else None",
        top="T = {}\nfor word in 'a b'.split():\n    T[word] = T.get(word, 0) + 1\nL = []\nL.append(len(T))",
    ),
    "local": label(
        "N = [0]", "N[0] += 1", "hits = []", "hits.append(N[0])", "return 'spam' if hits else None", top="N = [0]"
    ),
    "parameter": label(
        "return 'spam' if len(add([])) else None",
        top="SEEN = []\n\ndef add(SEEN):\n    SEEN.append(1)\n    return SEEN",
    ),
    "given_default": label(
        "return 'spam' if len(walk(text, [])) else None",
        top="def walk(x, found=[]):\n    found.append(x)\n    return found",
    ),
    "inner_function": label("n = 0", "def step():", "    nonlocal n", "    n += 1", "step()", ODD.format("n")),
    "object_of_the_record": label(
        "score = Score()",
        "score.add(2)",
        "return 'spam' if score.n > 1 else None",
        top="class Score:\n    def __init__(self):\n        self.n = 0\n        self.hits = []\n\n"
        "    def add(self, k):\n        self.n += k\n        self.hits.append(k)",
    ),
    "object_that_begins_anew": label(
        "return 'spam' if SCORE.run(text) > 1 else None",
        top="class Score:\n    def __init__(self):\n        self.n = 0\n\n    def run(self, t):\n        self.n = 0\n"
        "        for _ in t:\n            self.n += 1\n        return self.n\n\nSCORE = Score()",
    ),
    "object_that_is_made_anew": label(
        "return 'spam' if SCORE.run(text) > 1 else None",
        top="class Score:\n    def __init__(self):\n        self.n = 0\n\n    def run(self, t):\n"
        "        self.__init__()\n        self.n += len(t)\n        return self.n\n\nSCORE = Score()",
    ),
    "put_back": label(
        "return 'spam' if walk(text) else None",
        top="DEPTH = [0]\n\ndef walk(t):\n    DEPTH[0] += 1\n    try:\n        return 0 if DEPTH[0] > 5 else len(t)\n"
        "    finally:\n        DEPTH[0] -= 1",
    ),
    "emptied": label("HITS.clear()", "HITS.append(text)", "return 'spam' if len(HITS) > 1 else None", top="HITS = []"),
    "set_anew": label(
        "global SCORE",
        "SCORE = 0",
        "add(2)",
        "return 'spam' if SCORE > 1 else None",
        top="SCORE = 0\n\ndef add(k):\n    global SCORE\n    SCORE += k",
    ),
    "worked_off": label(
        "QUEUE.append(text)",
        "n = 0",
        "while QUEUE:",
        "    n += len(QUEUE.pop())",
        "return 'spam' if n > 3 else None",
        top="QUEUE = []",
    ),
    "never_looked_at": label("CALLS[0] += 1", "return 'spam' if text else None", top="CALLS = [0]"),
    "tables": label(
        "return 'spam' if any(text == b for _, b in PAIRS) and list(R) else None",
        top="PAIRS = list(zip('ab', 'cd'))\nR = range(3)",
    ),
    "seeded": label(
        "return 'spam' if NormalDist().samples(1, seed=3)[0] > 0 else 'ham'", top="from statistics import NormalDist"
    ),
    "hash_of_text": label(ODD.format("hash(text)")),
}


def errors(source):
    return [finding for finding in check_program(TASK, program(source)) if finding.severity is Severity.ERROR]


@pytest.mark.parametrize("name", KEEPS)
def test_what_is_kept_for_the_next_record_is_an_error_in_its_place(name):
    found = errors(KEEPS[name])
    assert [finding.code for finding in found] == ["LW310"]
    assert 0 < found[0].line <= len(KEEPS[name].splitlines())


@pytest.mark.parametrize("name", HARMLESS)
def test_what_changes_no_vote_is_no_error(sandbox, name):
    assert errors(HARMLESS[name]) == []
    assert check_determinism(sandbox, TASK, [program(HARMLESS[name])], []) == []


def test_a_table_that_a_record_changes_is_a_warning():
    findings = check_program(TASK, program(HARMLESS["cache"]))
    assert [finding.code for finding in findings if finding.code != "LW260"] == ["LW235"]


LONG = {
    "changes": lambda n: label(*(f"V{i}[0] += 1" for i in range(n)), top="\n".join(f"V{i} = [0]" for i in range(n))),
    "attributes": lambda n: label(*(f"K.a{i} += 1" for i in range(n)), top="class C: pass\n\nK = C()"),
    "defaults": lambda n: label(
        *(f"f(a{i}=1)" for i in range(n)), top="def f(" + ",".join(f"a{i}=[]" for i in range(n)) + "): pass"
    ),
    "methods": lambda n: label(
        *(f"K.m{i}()" for i in range(n)),
        top="class C:\n" + "".join(f"    def m{i}(self): self.x{i} += 1\n" for i in range(n)) + "\nK = C()",
    ),
    "makers": lambda n: label(
        "return None",
        top="def make():\n"
        + "".join(f"    def g{i}(): pass\n" for i in range(n))
        + "\n".join(f"x{i} = make()" for i in range(n)),
    ),
    "calls": lambda n: (
        "\n\n".join(f"def f{i}(t):\n    N[0] += 1\n    return f{i + 1}(t)" for i in range(n))
        + "\n\ndef label(text):\n    return f0(text)\n"
    ),
    "deep": lambda n: label("x" + ".a" * (n // 4) + " = 1"),
}


@pytest.mark.parametrize("shape", LONG)
def test_a_long_program_is_read_in_time_that_grows_with_its_length(shape):
    tree = ast.parse(LONG[shape](6000))
    started = time.process_time()
    list(history.check(tree))
    assert time.process_time() - started < 6
