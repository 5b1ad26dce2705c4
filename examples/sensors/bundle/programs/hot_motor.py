"""Overheating: the winding is hotter than a healthy motor gets even on a warm day under full load."""

LIMIT_C = 71.0


def label(temperature):
    return "overheating" if temperature >= LIMIT_C else None
