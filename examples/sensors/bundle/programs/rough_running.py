"""Bearing wear: strong vibration while pressure is as it should be, and much of it not at the shaft's own frequency."""


def label(vibration, pressure, spectrum):
    total = sum(spectrum)
    if vibration < 3.2 or pressure < 5.0 or not total:
        return None
    return "bearing_wear" if spectrum[0] / total < 0.45 else None
