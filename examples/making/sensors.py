"""Readings of pumps in a factory hall: healthy ones, and three faults from barely begun to advanced.

The numbers follow what maintenance handbooks say in outline: worn bearings shake at high frequencies first, an
overloaded or badly cooled motor draws more current and runs hot, a leak costs pressure while the motor works less.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SHARES = {"normal": 0.52, "bearing_wear": 0.18, "overheating": 0.15, "pressure_leak": 0.15}
BANDS = 8
"""Bands of the vibration spectrum, 0-4 kHz in steps of 500 Hz; the shaft turns in the first."""


@dataclass
class Reading:
    """One reading while it is made up."""

    speed_rpm: float
    vibration: float
    temperature: float
    pressure: float
    current: float
    spectrum: list[float] = field(default_factory=list)
    running: bool = True


def make(rng: random.Random) -> dict[str, object]:
    """Return one reading with its label. A few lack the current: an old pump has no such sensor."""
    label = rng.choices(list(SHARES), weights=list(SHARES.values()))[0]
    reading = _healthy(rng)
    severity = rng.betavariate(2.0, 1.6)
    _FAULTS[label](rng, reading, severity)
    if label == "normal" and rng.random() < 0.08:
        _standing_still(rng, reading)
    row: dict[str, object] = {
        "speed_rpm": round(reading.speed_rpm),
        "vibration": round(reading.vibration, 2),
        "temperature": round(reading.temperature, 1),
        "pressure": round(max(reading.pressure, 0.0), 2),
        "current": round(reading.current, 1),
        "spectrum": [round(max(value, 0.0), 3) for value in reading.spectrum],
        "running": reading.running,
    }
    if rng.random() < 0.1:
        del row["current"]
    return row | {"label": label}


def _healthy(rng: random.Random) -> Reading:
    load = rng.uniform(0.55, 1.0)
    hall = rng.gauss(22, 5)
    vibration = abs(rng.gauss(1.6, 0.45)) + 0.3
    return Reading(
        speed_rpm=rng.choice([1470, 1480, 2950]) * rng.uniform(0.98, 1.01),
        vibration=vibration,
        temperature=hall + 24 + 16 * load + rng.gauss(0, 3),
        pressure=rng.gauss(6.2, 0.35),
        current=4 + 14 * load + rng.gauss(0, 0.8),
        spectrum=[
            vibration * share * rng.uniform(0.6, 1.4) for share in (0.55, 0.2, 0.1, 0.06, 0.04, 0.03, 0.02, 0.01)
        ],
    )


def _standing_still(rng: random.Random, reading: Reading) -> None:
    reading.running, reading.speed_rpm = False, 0.0
    reading.vibration = abs(rng.gauss(0.1, 0.05))
    reading.temperature = rng.gauss(24, 3)
    reading.pressure = abs(rng.gauss(0.6, 0.5))
    reading.current = abs(rng.gauss(0.2, 0.1))
    reading.spectrum = [abs(rng.gauss(0.02, 0.01)) for _ in range(BANDS)]


def _stay_normal(rng: random.Random, reading: Reading, severity: float) -> None:
    """Healthy pumps have bad moments too: a hot day, a start under full load, a knock on the casing."""
    if rng.random() < 0.07:
        reading.temperature += 14 * severity
    if rng.random() < 0.07:
        reading.vibration += 2.2 * severity
        reading.spectrum[0] += 1.5 * severity
    if rng.random() < 0.05:
        reading.pressure -= 1.2 * severity


def _wear_bearing(rng: random.Random, reading: Reading, severity: float) -> None:
    reading.vibration += 0.4 + 4.5 * severity
    for band in range(4, BANDS):
        reading.spectrum[band] += (0.08 + 0.9 * severity) * rng.uniform(0.3, 1.0)
    reading.temperature += 7 * severity


def _overheat(rng: random.Random, reading: Reading, severity: float) -> None:
    reading.temperature += 8 + 32 * severity
    reading.current += 1 + rng.uniform(0, 7) * severity
    if rng.random() < 0.2:
        reading.vibration += 1.5 * severity


def _leak(rng: random.Random, reading: Reading, severity: float) -> None:
    reading.pressure -= 0.5 + 3.0 * severity
    reading.current -= rng.uniform(0, 3) * severity
    if rng.random() < 0.25:
        reading.vibration += 1.8 * severity
        reading.spectrum[1] += 0.8 * severity


_FAULTS = {
    "normal": _stay_normal,
    "bearing_wear": _wear_bearing,
    "overheating": _overheat,
    "pressure_leak": _leak,
}
