"""Takes a model's thinking out of what it said: drafts, doubts and words of other labels are no answer.

Reasoning models, or the servers in front of them, put it into the answer between tags. Which tags is a matter of the
model's chat template: ``<think>`` (DeepSeek-R1, QwQ, Qwen3), often without the opening tag, which then stands in the
prompt; ``<thinking>``, ``<reasoning>``, ``<thought>`` and their likes (distilled and instructed models);
``[THINK]`` (Magistral); ``◁think▷`` (Kimi); ``<|begin_of_thought|>`` (Sky-T1); and the channels of gpt-oss
(https://cookbook.openai.com/articles/openai-harmony).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from labelwright.synthesis.llm.fences import fenced_blocks

_NAMES = "think|thinking|thoughts?|reasoning|reflection|scratchpad"
_TAG = re.compile(
    rf"(?P<empty><(?:[\w-]+:)?(?:{_NAMES})\s*/>)"
    rf"|(?P<open><(?:[\w-]+:)?(?:{_NAMES})(?:\s[^<>]*)?>|\[THINK\]|◁think▷|<\|begin_of_thought\|>"
    r"|<\|channel\|>(?:analysis|commentary)\b[^<]*<\|message\|>)"
    rf"|(?P<close></(?:[\w-]+:)?(?:{_NAMES})\s*>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>"
    r"|<\|channel\|>final\b[^<]*<\|message\|>)",
    re.IGNORECASE,
)
_MOST_SECTIONS = 20
"""Sections of thinking that are looked for; models write one, seldom two."""
_NEAR = 500
"""Characters of a line around a tag in which quotes are counted."""
_NO_QUOTES = re.compile(r"(?<=\w)['\u2019](?=\w)|`{3,}")
"""Apostrophes and fences."""


def without_thinking(text: str) -> str:
    """Return what ``text`` answers: empty where it is all thinking, ``text`` itself where it holds none.

    A tag inside a fenced block, a string or inline code is code. A closing tag alone ends thinking that began in the
    prompt; an opening tag alone begins thinking that never ended.
    """
    tags = [tag for tag in _TAG.finditer(text) if not _is_quoted(text, tag)]
    answer = ""
    at = seen = 0
    for _ in range(_MOST_SECTIONS):
        tag = next(iter(_outside_code(text, tags, seen)), None)
        if tag is None:
            break
        end = tag.end() if tag["close"] or tag["empty"] else _end_of_thinking(text, tags, tag.end())
        seen = tag.end() if end is None else end
        if end is None and _begins_line(text, tag):
            return answer + text[at : tag.start()]
        if end is not None:
            answer = "" if tag["close"] else answer + text[at : tag.start()]
            at = end
    return answer + text[at:]


def _end_of_thinking(text: str, tags: Sequence[re.Match[str]], start: int) -> int | None:
    """Return where the thinking ends that began before ``start``, None where it never does.

    Thinking may be nested, may quote a tag, and may hold a fence that is never closed; so the last closing tag ends it
    where they do not pair.
    """
    inside = [tag for tag in tags if tag.start() >= start]
    if not any(tag["close"] for tag in inside):
        return None
    for found in (_outside_code(text, inside, start), inside):
        depth = 1
        for tag in found:
            depth += bool(tag["open"]) - bool(tag["close"])
            if depth == 0:
                return tag.end()
    return max(tag.end() for tag in inside if tag["close"])


def _outside_code(text: str, tags: Sequence[re.Match[str]], start: int) -> list[re.Match[str]]:
    """Return the tags from ``start`` on that stand in no fenced block."""
    blocks = fenced_blocks(text, start=start) if tags else []
    begins = [block.start for block in blocks]

    def in_block(place: int) -> bool:
        before = bisect_right(begins, place) - 1
        return before >= 0 and place < blocks[before].end

    return [tag for tag in tags if tag.start() >= start and not in_block(tag.start())]


def _is_quoted(text: str, tag: re.Match[str]) -> bool:
    """Whether the tag stands between quotes or in inline code: an odd number of marks before it, and one after it."""
    before, after = _around(text, tag)
    return any(before.count(mark) % 2 == 1 and mark in after for mark in "\"'`")


def _begins_line(text: str, tag: re.Match[str]) -> bool:
    return not _around(text, tag)[0].strip()


def _around(text: str, tag: re.Match[str]) -> tuple[str, str]:
    """Return what stands before and after the tag in its line, without what looks like a quote and is none."""
    begin = text.rfind("\n", max(0, tag.start() - _NEAR), tag.start()) + 1 or max(0, tag.start() - _NEAR)
    end = text.find("\n", tag.end(), tag.end() + _NEAR)
    before, after = text[begin : tag.start()], text[tag.end() : end if end >= 0 else tag.end() + _NEAR]
    return _NO_QUOTES.sub("", before), _NO_QUOTES.sub("", after)
