"""From a text to its words, as the student counts them, in any script.

What stands below the marker is copied, as it is, into every student program: it counts the same words when it is
served as when it was fitted. It may use nothing but ``re`` and ``unicodedata``.

Scripts that put no spaces (Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar) have no words to be found without a
dictionary: of a run of their letters, each two and three neighbors count as a word, and each Han letter. Texts in ASCII
are not touched by what is done for other scripts.
"""

from __future__ import annotations

import re
import unicodedata
from importlib.resources import files

MARKER = "# ---- copied into every student program ----\n"


def counting_source() -> str:
    """Return the source of the counting, as it stands in this module."""
    return files(__package__).joinpath("words.py").read_text(encoding="utf-8").rpartition(MARKER)[2].strip()


# ---- copied into every student program ----

LINK = r"https?://\S+|www\.\S+|\b[\w-]+\.(?:com|net|org|info|co|uk|tv|ly|me)\b\S*"
MARKUP = r"<br\s*/?>|&#?\w+;"
HAN = "\u3005-\u3007\u3400-\u9fff\U00020000-\U0003ffff"
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff" + HAN
# Of a text's shape, where a is a letter, H one of a script without spaces, and M a mark on the letter before.
WORD = r"[a-z][a-zM]*(?:'[a-z][a-zM]*)?|H[HM]*|<\w+>|[!?$£€¥%*]"
SIZED = r"HM*(?:HM*)?|[^\WHM][^\WH]*"


def shape_of(text: str) -> str:
    """Return the lower-case text with a letter for the kind of each character that is not ASCII: of the same length."""
    kinds = {}
    for sign in sorted(set(re.sub("[\0-\x7f]+", "", text))):
        if unicodedata.category(sign)[0] == "M" or sign in "\u200c\u200d":
            kinds[ord(sign)] = "M"
        elif sign.isalnum() and not sign.isdecimal():
            kinds[ord(sign)] = "H" if re.match(f"[{UNSPACED}]", sign) else "a"
    return text.translate(kinds) if kinds else text


def plain(text: str) -> str:
    """Return the text in lower case and one width, straight apostrophes, runs without spaces parted from the rest."""
    text = re.sub("[\u2018\u2019\u02bc]", "'", unicodedata.normalize("NFKC", text).lower())
    return text if text.isascii() else re.sub(f"([{UNSPACED}]+)", r" \1 ", text)


def grams(run: str, shape: str) -> list[str]:
    """Return what counts as the words of a run without spaces: Han letters, and each two and three neighbors."""
    starts = [i for i in range(len(run)) if shape[i] == "H"] + [len(run)]
    if len(starts) == 2:
        return [run]
    return re.findall(f"[{HAN}]", run) + [
        run[starts[i] : starts[i + n]] for n in (2, 3) for i in range(len(starts) - n)
    ]


def words_of(text: str, pairs: bool) -> set[str]:
    """Return the words: lower case, each link and number as one, the text's length as one more, pairs if wanted."""
    text = plain(text)
    size = len(re.findall(SIZED, shape_of(text)))
    length = "<short>" if size <= 5 else "<long>" if size > 20 else "<medium>"
    text = re.sub(MARKUP, " ", re.sub(LINK, " <link> ", text))
    text = re.sub(r"\d{5,}", " <longnumber> ", text)
    text = re.sub(r"\d[\d.,:]*", " <number> ", text)
    shape = shape_of(text)
    if shape == text:
        listed: list[str] = re.findall(WORD, text)
        neighbors = {listed[i] + " " + listed[i + 1] for i in range(len(listed) - 1)} if pairs else set()
        return {length, *listed, *neighbors}
    words, before = {length}, ""
    for found in re.finditer(WORD, shape):
        word = text[found.start() : found.end()]
        if found[0][0] == "H":
            words.update(grams(word, found[0]))
            before = ""  # a pair of neighbors is a word of a script without spaces already
            continue
        words.add(word)
        if pairs and before:
            words.add(before + " " + word)
        before = word
    return words
