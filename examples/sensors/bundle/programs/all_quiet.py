"""Normal: vibration, temperature, pressure and the high bands are all where a healthy pump has them."""


def label(vibration, temperature, pressure, spectrum):
    quiet = vibration < 3.4 and sum(spectrum[4:]) < 0.6
    return "normal" if quiet and temperature < 69 and pressure > 5.3 else None
