"""What text that is not UTF-8 may be: a file of another program, named for whoever has to save it anew."""

from __future__ import annotations

import codecs
import re

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""In order: that of UTF-32 begins with that of UTF-16."""
_WITHOUT_MARK = {
    "utf-32-le": re.compile(rb"(?:[^\0]\0\0\0){2}"),
    "utf-32-be": re.compile(rb"(?:\0\0\0[^\0]){2}"),
    "utf-16-le": re.compile(rb"(?:[^\0]\0){2}"),
    "utf-16-be": re.compile(rb"(?:\0[^\0]){2}"),
}
_KANA = re.compile(r"[\u3040-\u30ff]")
"""Text in Japanese has some, and hardly any other text that happens to be valid in its encodings."""


def marked_encoding(data: bytes) -> str:
    """Return the encoding that a byte order mark says, "utf-16" or "utf-32", "" where there is none of these."""
    return next((name for mark, name in _MARKS.items() if data.startswith(mark)), "")


def wide_encoding(data: bytes) -> str:
    """Return which UTF-16 or UTF-32 the first letters are in, by mark or by where the NULs stand; "" for neither."""
    found = (name for name, pattern in _WITHOUT_MARK.items() if pattern.match(data))
    return marked_encoding(data) or next(found, "")


def likely_encodings(data: bytes) -> list[str]:
    """Return what bytes that are not UTF-8 may be, the likeliest first. Few bytes may be several things."""
    if wide := wide_encoding(data):
        return [wide]
    fit = {name: text for name in ("cp932", "euc_jp", "cp1252") if (text := _decoded(data, name)) is not None}
    return sorted(fit, key=lambda name: (not _KANA.search(fit[name]), name != "cp1252", name))


def not_utf8(data: bytes) -> str:
    """Say that the bytes are not UTF-8, and what they may be."""
    likely = likely_encodings(data)[:2]
    return f"not valid UTF-8, perhaps {' or '.join(likely)}" if likely else "not valid UTF-8"


def _decoded(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        return None
