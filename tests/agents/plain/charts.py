"""The charts of all scores in plain Python: points of one reading, the bands of a sum.

Sources as in clinical/news2.py, clinical/adult_scores.py and clinical/pews.py. A reading is rounded half up to the
chart's step. `None` is a reading or points that are unknown.
"""

from decimal import ROUND_HALF_UP, Decimal

TENTHS = "0.1"


def up_to(value, *rows, beyond, step="1"):
    """Return the points of the first row (last value of the row, points) that the reading does not exceed."""
    if value is None:
        return None
    rounded = Decimal(repr(value)).quantize(Decimal(step), rounding=ROUND_HALF_UP)
    return next((points for last, points in rows if rounded <= Decimal(last)), beyond)


def news2(given, scale2):
    """Royal College of Physicians 2017; see docs/rules.md for who is scored."""
    return {
        "resp": up_to(given["resp"], (8, 3), (11, 1), (20, 0), (24, 2), beyond=3),
        "spo2": news2_spo2(given["spo2"], given["on_oxygen"], scale2),
        "on_oxygen": up_to(given["on_oxygen"], (0, 0), beyond=2),
        "sbp": up_to(given["sbp"], (90, 3), (100, 2), (110, 1), (219, 0), beyond=3),
        "pulse": up_to(given["pulse"], (40, 3), (50, 1), (90, 0), (110, 1), (130, 2), beyond=3),
        "consciousness": up_to(given["consciousness"], (0, 0), beyond=3),
        "temp": up_to(
            given["temp"], ("35.0", 3), ("36.0", 1), ("38.0", 0), ("39.0", 1), beyond=2, step=TENTHS
        ),
    }


def news2_spo2(spo2, on_oxygen, scale2):
    if not scale2:
        return up_to(spo2, (91, 3), (93, 2), (95, 1), beyond=0)
    on_air = up_to(spo2, (83, 3), (85, 2), (87, 1), beyond=0)
    on_more = up_to(spo2, (83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), beyond=3)
    if on_oxygen is None:
        return on_air if on_air == on_more else None
    return on_more if on_oxygen > 0 else on_air


def news2_level(points):
    total = sum(points)
    return 3 if total >= 7 else 2 if total >= 5 else 1 if 3 in points else 0


def mews(given):
    """Subbe 2001."""
    return {
        "sbp": up_to(given["sbp"], (70, 3), (80, 2), (100, 1), (199, 0), beyond=2),
        "pulse": up_to(given["pulse"], (40, 2), (50, 1), (100, 0), (110, 1), (129, 2), beyond=3),
        "resp": up_to(given["resp"], (8, 2), (14, 0), (20, 1), (29, 2), beyond=3),
        "temp": up_to(given["temp"], ("34.9", 2), ("38.4", 0), beyond=2, step=TENTHS),
        "consciousness": up_to(given["consciousness"], (0, 0), (2, 1), (3, 2), beyond=3),
    }


def qsofa(given):
    """Sepsis-3."""
    return {
        "resp": up_to(given["resp"], (21, 0), beyond=1),
        "sbp": up_to(given["sbp"], (100, 1), beyond=0),
        "consciousness": up_to(given["consciousness"], (0, 0), beyond=1),
    }


YOUNGEST = {
    "pulse": (80, 90, 110, 150, 180, 190),
    "sbp": (45, 50, 60, 80, 100, 130),
    "resp": (15, 19, 29, 61, 81, 91),
}
PEWS_ROWS = {
    "neonate": YOUNGEST,
    "young-infant": YOUNGEST,
    "infant": {
        "pulse": (70, 80, 100, 150, 170, 180),
        "sbp": (60, 70, 80, 100, 120, 150),
        "resp": (15, 19, 24, 51, 71, 81),
    },
    "young-child": {
        "pulse": (60, 70, 90, 120, 150, 170),
        "sbp": (65, 75, 90, 110, 125, 160),
        "resp": (12, 15, 19, 41, 61, 71),
    },
    "child": {
        "pulse": (50, 60, 70, 110, 130, 150),
        "sbp": (70, 80, 90, 120, 140, 170),
        "resp": (10, 14, 19, 31, 41, 51),
    },
    "adolescent": {
        "pulse": (40, 49, 60, 100, 120, 140),
        "sbp": (75, 85, 100, 130, 150, 190),
        "resp": (9, 10, 11, 17, 23, 30),
    },
}
"""Parshuram 2009, table 1: up to how much below, and from how much above, 4, 2 and 1 points are given."""


def pews(given, band):
    """Parshuram 2009, of what frames carry; of a child of unknown age neither rates nor pressure count."""
    rates = dict.fromkeys(("pulse", "sbp", "resp"))
    for name, (low4, low2, low1, high1, high2, high4) in PEWS_ROWS.get(band, {}).items():
        below = (low4, 4), (low2, 2), (low1, 1)
        rates[name] = up_to(given[name], *below, (high1 - 1, 0), (high2 - 1, 1), (high4 - 1, 2), beyond=4)
    oxygen = up_to(given["fio2"], (21, 0), (49, 2), beyond=4)
    if oxygen is None and given["on_oxygen"] == 0:
        oxygen = 0
    return {
        "pulse": rates["pulse"],
        "sbp": rates["sbp"],
        "refill": None,
        "resp": rates["resp"],
        "effort": None,
        "spo2": up_to(given["spo2"], (90, 2), (94, 1), beyond=0),
        "oxygen": oxygen,
    }


PEWS_OXYGEN_AT_LEAST = 2
"""Of oxygen that is given in an unknown amount so many points are sure."""
