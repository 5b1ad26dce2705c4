"""Inspection notes of a factory in Japanese, each with the cause that it names."""

from __future__ import annotations

import random
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from making.phrases import fill

SHARES = {"摩耗": 0.25, "潤滑不良": 0.2, "電気系": 0.22, "締結ゆるみ": 0.17, "異物・汚れ": 0.16}
STYLES = {"polite": 0.3, "plain": 0.32, "terse": 0.38}
CHAIN_SHARE = 0.16
"""Share of notes that tell cause and effect, both of which are causes elsewhere: the first counts."""
OTHER_SHARE = 0.2
"""Share of notes that name another cause as ruled out, or as dealt with before."""
SECOND_SHARE = 0.1
"""Share of notes that go on with a second finding of another cause."""
VAGUE_SHARE = 0.05
"""Share of notes that name no cause at all: only the machine or what was done may tell."""

_PHRASES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_PARTS = re.compile(r"\{(?:worn|oiled|fixed|dirty|elec)\}")
_NARROW = {unicodedata.normalize("NFKC", sign): sign for sign in map(chr, range(0xFF66, 0xFFA0))}
_WIDE_DIGITS = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))


def make(rng: random.Random) -> dict[str, object]:
    """Return one note with its cause as the label. One in fourteen names no machine."""
    label = _drawn(rng, SHARES)
    kind = rng.choice(list(_PHRASES["machines"]))
    machine = fill(rng, rng.choice(_PHRASES["machines"][kind]), _PHRASES["slots"])
    note: dict[str, object] = {"machine": _typed(rng, machine)} if rng.random() < 0.93 else {}
    return note | {"note": _typed(rng, _Note(rng, kind).text(label)), "label": label}


class _Note:
    """The sentences of one note: one writer's style, one kind of machine."""

    def __init__(self, rng: random.Random, kind: str) -> None:
        self._rng = rng
        self._kind = kind
        self._place = "utility" if kind in ("pumps", "fans") else "line"
        self._terse = (style := _drawn(rng, STYLES)) == "terse"
        endings = _PHRASES["plain" if self._terse else style]
        lists = {name: value for name, value in _PHRASES["slots"].items() if isinstance(value, list)}
        parts = _PHRASES["parts"][kind] | _PHRASES["electric"][self._place]
        # One note is about one part of each sort.
        about = {name: [rng.choice(value)] for name, value in parts.items()}
        self._slots = lists | endings | about

    def text(self, label: str) -> str:
        rng = self._rng
        other, another = rng.sample([name for name in SHARES if name != label], 2)
        finding = self._finding(label)
        found = [self._filled(finding)]
        if rng.random() < 0.6:
            found.insert(0, self._symptom(label))
        if rng.random() < OTHER_SHARE:
            kind = rng.choice(["done", "fine"])
            found.insert(rng.choice([0, len(found)]), self._one_of(_PHRASES[other][kind]))
        if rng.random() < SECOND_SHARE and finding not in self._slots["vague"]:
            found.append(
                rng.choice(["また、", "ほかに、", "なお、"]) + self._filled(self._finding(another, plain=True))
            )
        # What is changed or cleaned is what was found.
        actions = [
            action
            for action in _PHRASES[label]["actions"]
            if set(_PARTS.findall(action)) <= set(_PARTS.findall(finding))
        ]
        done = [self._one_of(actions)] if rng.random() < 0.5 else []
        if rng.random() < 0.12:
            done.append(rng.choice(["念のため", "ついでに"]) + self._one_of(_PHRASES[another]["besides"]))
        if rng.random() < 0.35:
            done.append(self._one_of(self._styled("afterwards")))
        start, end = self._one_of(self._slots["start"]), self._one_of(self._slots["end"])
        # Who is in a hurry says first what was done.
        body = [*done, *found] if self._terse and rng.random() < 0.12 else [*found, *done]
        return (start + self._joined(body) + end).strip()

    def _finding(self, label: str, *, plain: bool = False) -> str:
        """Return the template of a finding; a plain one names this cause and no other."""
        phrases = _PHRASES[label]
        templates: list[str]
        if not plain and self._rng.random() < VAGUE_SHARE:
            templates = self._slots["vague"]
        elif not plain and self._rng.random() < CHAIN_SHARE:
            templates = phrases["chains"]
        elif self._terse:
            templates = phrases["terse"]
        else:
            templates = phrases[self._kind if self._rng.random() < 0.6 else "any"]
        return self._rng.choice(templates)

    def _symptom(self, label: str) -> str:
        hint = self._place == "line" and not self._terse and self._rng.random() < 0.4
        return self._one_of(_PHRASES[label]["hints"] if hint else self._styled(self._place))

    def _styled(self, name: str) -> list[str]:
        phrases: list[str] = _PHRASES["slots"][name]["terse" if self._terse else "sentences"]
        return phrases

    def _one_of(self, templates: list[str]) -> str:
        return self._filled(self._rng.choice(templates))

    def _filled(self, template: str) -> str:
        return fill(self._rng, template, self._slots)

    def _joined(self, sentences: list[str]) -> str:
        text = "".join(sentences)
        if self._terse and self._rng.random() < 0.4:
            return text.replace("。", self._rng.choice([" ", "\u3000", "、"])).rstrip(" \u3000、") + " "
        return text


def _typed(rng: random.Random, text: str) -> str:
    """Return the text as other hands write it: other spellings, slips, digits and kana of another width."""
    for word, others in _PHRASES["variants"].items():
        if rng.random() < 0.22:
            text = text.replace(word, rng.choice(others))
    if rng.random() < 0.03 and len(text) > 12:
        at = rng.randrange(4, len(text) - 4)
        text = text[:at] + text[at + 1 :] if rng.random() < 0.5 else text[:at] + text[at] + text[at:]
    if rng.random() < 0.35:
        text = text.translate(_WIDE_DIGITS)
    if rng.random() < 0.05:
        text = _narrow(text)
    return text


def _narrow(text: str) -> str:
    """Return the text with Katakana of half width, as old terminals send it."""
    signs = []
    for sign in text:
        parts = unicodedata.normalize("NFD", sign) if "\u30a1" <= sign <= "\u30fc" else sign
        signs.append("".join(_NARROW.get(part, part) for part in parts))
    return "".join(signs)


def _drawn(rng: random.Random, shares: Mapping[str, float]) -> str:
    return rng.choices(list(shares), weights=list(shares.values()))[0]
