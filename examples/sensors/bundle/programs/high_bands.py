"""Bearing wear: the bands above 2 kHz shake more than in any healthy pump. Worn balls and races ring up there."""


def label(spectrum):
    high = sum(spectrum[4:])
    return "bearing_wear" if high > 0.6 else None
