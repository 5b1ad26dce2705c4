from __future__ import annotations

import random

import pytest
from labelwright.synthesis.llm.repetition import repeats_itself

WORDS = ", ".join(f'"word{number}"' for number in range(60))
PROGRAM = '''
def label(text):
    """Counts."""
    if "win" in text:
        return "spam"
    if "free" in text:
        return "spam"
    if "prize" in text:
        return "spam"
    return None
'''


@pytest.mark.parametrize(
    "text",
    [
        "words = [" + '"smart", ' * 12,
        "privatization " * 12,
        '"conflict", "war", "peace", ' * 6,
        "Here: " + "If it says so, it is spam. " * 5,
        "[" + ", ".join(f'"{word}"' for word in "abacabadabacabadabcabacbdabacbdc"),
    ],
)
def test_sees_loops(text: str) -> None:
    assert repeats_itself(text)


@pytest.mark.parametrize("text", ["", "words = [" + WORDS, PROGRAM, " " * 200, "x = 1\n" * 3, "ab" * 10])
def test_leaves_other_text_alone(text: str) -> None:
    assert not repeats_itself(text)


MANY = [f"{first}{last}" for first in ("sun", "rain", "snow", "wind", "fog") for last in "abcdefghijklmnopqrstuvwxyz"]
JAPANESE = [
    f"{part}{state}"
    for part in ("軸受", "ベルト", "モータ", "弁")
    for state in "割損錆緩漏鳴振熱詰汚擦焦切折曲浮沈外剥滑"
]
FEW = ["smart", "quick", "clever", "bright"]
DRAWN = [FEW[number * number * 7 % 13 % 4] for number in range(200)]
"""Four words in an order without a period."""


@pytest.mark.parametrize(
    "text",
    [
        "words = [" + ", ".join(f'"{word}"' for word in MANY),
        "words = [" + ", ".join(f"'{word}'" for word in MANY),
        "words = [" + ", ".join(f'"{word}n\'t"' for word in MANY),
        "TABLE = {" + ", ".join(f'"{word}": "spam"' for word in MANY),
        "    if " + " or ".join(f'"{word}" in text' for word in MANY),
        "    found = " + " + ".join(f"('{word}' in text.lower())" for word in MANY),
        "".join(f"    elif '{word}' in text:\n        return 'spam'\n" for word in MANY),
        "".join(f"    if length > {number}0:\n        score += {number % 3}\n" for number in range(60)),
        "P = re.compile(r'" + "|".join(MANY) + "')",
        ", ".join(MANY),
        "\n".join(f"{number}. {word}" for number, word in enumerate(MANY)),
        "\u3001".join(f"{chr(0x4E00 + 7 * number)}{chr(0x4E01 + 11 * number)}" for number in range(200)),
        "words = [" + ", ".join(f'"{word}"' for word in JAPANESE),
        "words = [" + "\uff64".join(JAPANESE),
        "    if " + " or ".join(f'"{word}" in text' for word in JAPANESE),
        "TABLE = {" + ", ".join(f'"{word}": "摩耗"' for word in JAPANESE),
        "\n".join(f"・{word}" for word in JAPANESE),
        "".join(f"{word}がある場合は摩耗とする。" for word in JAPANESE),
        "W = [" + ", ".join(str(random.Random(number).random() < 0.5) for number in range(90)),
        "import re\n# " + "-" * 100 + "\ndef label(text):\n    return None\n# " + "=" * 100,
    ],
)
def test_leaves_long_text_alone_at_every_length(text: str) -> None:
    assert not any(repeats_itself(text[:length]) for length in range(1, len(text) + 1))


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("words = [" + ", ".join(f'"{word}"' for word in DRAWN), 400),
        ("words = [" + ", ".join(f"'{word}'" for word in DRAWN), 400),
        ("words = [" + ", ".join(f'"{word}"' for word in [*MANY, *DRAWN]), 2000),
        ("    if " + " or ".join(f'"{word}" in text' for word in DRAWN), 700),
        (", ".join(DRAWN), 600),
        ("\n".join(f"{number}. {word}" for number, word in enumerate(DRAWN)), 900),
        ("\u514d\u8d39\u3001" * 100, 200),
        ("\u3001".join("\u5956\u8d37\u8d62\u514d"[FEW.index(word)] * 2 for word in DRAWN), 300),
        ("\u0645\u062c\u0627\u0646\u064a\u060c " * 60, 200),
        ("\uff64".join(random.Random(1).choices(JAPANESE[:4], k=200)), 300),
        ("\u514d\u8d39\u5956\u54c1" * 60, 200),
        ("end" + "\n" * 600, 500),
        ("-" * 600, 500),
    ],
)
def test_sees_loops_early_in_any_script_and_without_quotes(text: str, most: int) -> None:
    assert any(repeats_itself(text[:length]) for length in range(1, most + 1))
