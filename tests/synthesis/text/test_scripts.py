from __future__ import annotations

import pytest
from labelwright.synthesis.text.scripts import has_marks, has_other_letters, puts_no_spaces, scripts


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("plain English", {"Latin": 1.0}),
        ("異音あり", {"Han": 0.5, "Hiragana": 0.5}),
        ("ຂອບໃຈ", {"Lao": 1.0}),
        ("ខ្មែរ", {"Khmer": 1.0}),
        ("", {}),
    ],
)
def test_the_shares_of_letters_by_script(text: str, shares: dict[str, float]) -> None:
    assert scripts([text]) == shares


@pytest.mark.parametrize(
    ("text", "no_spaces", "marks", "others"),
    [
        ("plain English " * 20 + "with 李雷 in it", False, False, False),
        ("très déçue par le séjour", False, False, True),
        ("Das Gerät läuft nicht mehr", False, False, True),
        ("ポンプのCPUから異音がした", True, False, True),
        ("เสียงดังมาก", True, True, True),
        ("हिन्दी में शिकायत", False, True, True),
        ("소음이 심합니다", False, False, True),
        ("", False, False, False),
    ],
)
def test_what_a_script_means_for_finding_words(text: str, no_spaces: bool, marks: bool, others: bool) -> None:
    assert (puts_no_spaces([text]), has_marks([text]), has_other_letters([text])) == (no_spaces, marks, others)
