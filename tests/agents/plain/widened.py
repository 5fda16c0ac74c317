"""Limits wider than the unit's, in plain Python: how far they are on the way to the bound, and what is told of them."""

SCALE2_LOW = 88

REACH = {
    **{(rate, "high"): (40, 40, 20) for rate in ("hr", "pulse")},
    **{(rate, "low"): (15, 15, 10) for rate in ("hr", "pulse")},
    **{(rate, "high", "high"): (40, 30, 20) for rate in ("hr", "pulse")},
    **{(rate, "low", "high"): (10, 10, 10) for rate in ("hr", "pulse")},
    ("spo2", "low"): (10, 10, 5),
    ("spo2", "low", "high"): (10, 10, 10),
    ("temp", "high"): (1.5, 1.5, 1),
}
"""By signal, side and, where it differs, high priority: how far limits of adults, children and neonates may move."""


def bounds(rule, band):
    """Return the furthest low and high limit that somebody may order, None where there is no limit."""
    unit, column = rule.limits(band), {"adult": 0, "neonate": 2}.get(band, 1)
    found = []
    for side, limit, bound, adult, adult_bound in (
        ("low", unit.low, unit.low_min, rule.low, rule.low_min),
        ("high", unit.high, unit.high_max, rule.high, rule.high_max),
    ):
        if limit is None or bound is not None:
            found.append(bound)
        elif adult_bound is not None:
            found.append(limit + adult_bound - adult)
        else:
            reach = REACH.get((rule.signal, side, rule.priority)) or REACH[rule.signal, side]
            found.append(limit - reach[column] if side == "low" else limit + reach[column])
    return found


def unit_limits(rule, band, scale2):
    """Return the unit's limits for a patient: those of the age band, no higher than what SpO2 scale 2 aims at."""
    of_band = rule.limits(band)
    low = of_band.low
    if scale2 and rule.signal == "spo2" and low is not None:
        low = min(low, SCALE2_LOW - rule.clear_margin)
    return low, of_band.high


def ways_out(rule, band, scale2, low, high):
    """Return how far each limit is moved outwards: 0 = the unit's or tighter, 1 = the bound."""
    (unit_low, unit_high), (low_min, high_max) = unit_limits(rule, band, scale2), bounds(rule, band)
    ways = []
    for own, of_unit, bound in ((low, unit_low, low_min), (high, unit_high, high_max)):
        outwards = own is not None and of_unit is not None and (own < of_unit) == (bound < of_unit)
        ways.append(abs(own - of_unit) / abs(bound - of_unit) if outwards else 0)
    return ways


def way_out(rule, band, scale2, low, high):
    """Return how far the limit that is moved furthest is."""
    return max(ways_out(rule, band, scale2, low, high))


def rules_widened(rules, bed):
    """Return the rules whose limits are wider for a patient, in the order of the file."""
    return [
        rule.id
        for rule in rules
        if way_out(rule, bed.band, bed.scale2, *bed.limits.get(rule.id, (None, None))) > 0
    ]


class Widened:
    """The advisory alarm that stands while a patient's limits are wider than the unit's."""

    def __init__(self, rules, telling):
        self.rules = rules.limits
        self.telling = telling

    def judge(self, bed, moment):
        alarm = bed.alarms["limits-widened"]
        width = sum(
            way
            for rule in self.rules
            for way in ways_out(rule, bed.band, bed.scale2, *bed.limits.get(rule.id, (None, None)))
        )
        if width == (alarm.width or 0):
            return
        if not alarm.is_open:
            alarm.onset, alarm.priority = moment.now_ms, "low"
            self.telling.due(bed, alarm, moment, withheld=False)
        elif width == 0:
            self.telling.over(bed, alarm, moment)
        elif alarm.stands == "acknowledged" and width > alarm.width:
            alarm.stands = "active"
            self.telling.tell(bed, alarm, "escalate", moment)
        else:
            self.telling.tell(bed, alarm, "update", moment)
        alarm.width = width
