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


def pews(given, is_neonate):
    """Parshuram 2009, of what frames carry; only of a neonate the age in months is known."""
    if is_neonate:
        rates = {
            "pulse": up_to(
                given["pulse"], (80, 4), (90, 2), (110, 1), (149, 0), (179, 1), (189, 2), beyond=4
            ),
            "sbp": up_to(given["sbp"], (45, 4), (50, 2), (60, 1), (79, 0), (99, 1), (129, 2), beyond=4),
            "resp": up_to(given["resp"], (15, 4), (19, 2), (29, 1), (60, 0), (80, 1), (90, 2), beyond=4),
        }
    else:
        rates = dict.fromkeys(("pulse", "sbp", "resp"))
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
