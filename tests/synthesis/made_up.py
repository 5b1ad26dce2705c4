"""Made-up reviews: words that tell, words that do not, and a truth; and made-up answers of an LLM."""

from __future__ import annotations

import numpy as np
from labelwright.synthesis.asking.direct import DirectLabels

TELLING = (
    ["awful", "dull", "boring", "waste", "poor", "stupid", "mess", "weak"],
    ["great", "lovely", "superb", "moving", "clever", "warm", "fine", "bright"],
)
PLAIN = ["film", "the", "a", "and", "was", "actor", "story", "it", "scene", "with", "on", "music"]


def reviews(count: int, seed: int, noise: float = 0.1) -> tuple[list[str], np.ndarray]:
    """Texts of one to three telling words among plain ones; a share of ``noise`` tells the wrong way."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(2, size=count)
    texts = []
    for label in truth:
        telling = [
            str(generator.choice(TELLING[label if generator.random() > noise else 1 - label]))
            for _ in range(generator.integers(1, 4))
        ]
        words = telling + [str(word) for word in generator.choice(PLAIN, size=4)]
        texts.append(" ".join(generator.permutation(words)))
    return texts, truth


def direct_labels(answers: np.ndarray, scores: np.ndarray | None = None, label_count: int = 2) -> DirectLabels:
    """What an LLM answers, -1 for nothing, with the log-probabilities of an endpoint that gives some."""
    found = DirectLabels.none(len(answers), label_count if scores is None else scores.shape[1])
    found.labels[:] = answers
    if scores is not None:
        found.scores[:] = scores
    return found


JAPANESE_TELLING = (
    ["摩耗", "すり減", "欠け", "ガタ", "寿命", "削れ"],
    ["油切れ", "グリス", "潤滑", "給脂", "焼付", "乾い"],
)
_JAPANESE_PLACES = ["軸受", "ポンプ", "減速機", "搬送部", "チェーン", "主軸", "モータ", "コンベヤ"]
_JAPANESE_NOTES = [
    "{0}の{1}を確認した",
    "{0}に{1}あり要対応",
    "点検時{0}付近で{1}が見られる",
    "昨日より{0}が{1}のため停止",
]


def japanese_notes(count: int, seed: int, noise: float = 0.1) -> tuple[list[str], np.ndarray]:
    """Notes of one run each, hardly two alike, with one or two telling words; noise as that of the reviews."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(2, size=count)
    texts = []
    for label in truth:
        parts = [
            str(generator.choice(_JAPANESE_NOTES)).format(
                "".join(generator.choice(_JAPANESE_PLACES, size=2)),
                generator.choice(JAPANESE_TELLING[label if generator.random() > noise else 1 - label]),
            )
            for _ in range(generator.integers(1, 3))
        ]
        texts.append("".join(parts))
    return texts, truth
