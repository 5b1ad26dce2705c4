"""Overheating at its beginning: rather warm, and the motor draws more current than such warmth explains."""


def label(temperature, current):
    if current is None:
        return None
    return "overheating" if temperature > 63 and current > 17 else None
