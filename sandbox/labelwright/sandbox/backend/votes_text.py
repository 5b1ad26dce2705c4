"""Votes as the component writes them: one character a vote (see guest/labeling.wit)."""

from __future__ import annotations

Votes = tuple[int, ...]
"""One vote a program, in the order of the version's programs (see labelwright.core.vote)."""

FIRST = 48
"""Code point of vote 0."""
_KNOWN_ROWS = 1 << 16


class Decoder:
    """Turns the component's text into votes. Few rows are distinct in real traffic, so each is decoded once."""

    def __init__(self, programs: int) -> None:
        self._programs = programs
        self._rows: dict[str, Votes] = {}

    def decode(self, text: str, records: int) -> tuple[list[Votes], str]:
        """Return one row a record, and the text after the last vote."""
        width = self._programs
        end = width * records
        known = self._rows
        rows = []
        for start in range(0, end, width):
            row = text[start : start + width]
            votes = known.get(row)
            if votes is None:
                votes = self._read(row)
            rows.append(votes)
        return rows, text[end:]

    def _read(self, row: str) -> Votes:
        votes = tuple(ord(character) - FIRST for character in row)
        if len(votes) != self._programs:
            raise ValueError("the component returned too few votes")
        if len(self._rows) >= _KNOWN_ROWS:
            self._rows.clear()
        self._rows[row] = votes
        return votes
