"""From a text to its words, as the student counts them.

What stands below the marker is copied, as it is, into every student program: it counts the same words when it is
served as when it was fitted. It may use nothing but ``re``.
"""

from __future__ import annotations

import re
from importlib.resources import files

MARKER = "# ---- copied into every student program ----\n"


def counting_source() -> str:
    """Return the source of the counting, as it stands in this module."""
    return files(__package__).joinpath("words.py").read_text(encoding="utf-8").rpartition(MARKER)[2].strip()


# ---- copied into every student program ----

LINK = r"https?://\S+|www\.\S+|\b[\w-]+\.(?:com|net|org|info|co|uk|tv|ly|me)\b\S*"
MARKUP = r"<br\s*/?>|&#?\w+;"
WORD = r"[^\W\d_]+(?:'[^\W\d_]+)?|<\w+>|[!?$£€%*]"


def words_of(text: str, pairs: bool) -> set[str]:
    """Return the words: lower case, each link and number as one, the text's length as one more, pairs if wanted."""
    size = len(re.findall(r"\w+", text))
    length = "<short>" if size <= 5 else "<long>" if size > 20 else "<medium>"
    text = text.lower().replace("\u2019", "'")
    text = re.sub(MARKUP, " ", re.sub(LINK, " <link> ", text))
    text = re.sub(r"\d{5,}", " <longnumber> ", text)
    text = re.sub(r"\d[\d.,:]*", " <number> ", text)
    words: list[str] = re.findall(WORD, text)
    neighbors = {words[i] + " " + words[i + 1] for i in range(len(words) - 1)} if pairs else set()
    return {length, *words, *neighbors}
