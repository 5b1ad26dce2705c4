"""Pressure leak: the pump runs, but the outlet pressure is clearly below the usual 6 bar."""

LIMIT_BAR = 5.2


def label(pressure, running):
    return "pressure_leak" if running and pressure < LIMIT_BAR else None
