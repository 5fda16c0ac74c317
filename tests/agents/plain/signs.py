"""Signs of life that are lost together, and patients of unknown age, in plain Python (docs/rules.md, `[technical]`)."""

import zlib

from plain.levels import LEVEL, judge_level
from plain.losses import INTERVALS, TAKEN_OFF_MS

from clinical.rules import AGE_BANDS

TOGETHER_MS = 30_000
LOOK_MS, TURNS = 5_000, 24
"""Who is of unknown age is looked at in one of so many looks, until the alarm has begun."""


class Signs:
    """What asks somebody to look at the patient, or into the profile."""

    def __init__(self, rules, telling):
        self.rules, self.limits = rules.technical, rules.limits
        self.telling = telling

    def judge(self, bed, moment):
        """Judge a loss of pulse, oxygen saturation, and heart rate or respiration."""
        if self.rules.vital_loss_s:
            level = LEVEL["high"] if self.lost_together(bed) else 0
            judge_level(self.telling, bed, bed.alarms["vital-loss"], level, 0, moment)

    def lost_together(self, bed):
        for third in ("hr", "resp"):
            since = [self.lost_since(bed, name) for name in ("pulse", "spo2", third)]
            if None not in since and max(since) - min(since) <= TOGETHER_MS:
                return True
        return False

    def lost_since(self, bed, name):
        """Return since when a signal that once had a reading has none, up to the last frame of now."""
        device = bed.latest(name)
        if device is None:
            return None
        patience = max(round(self.rules.vital_loss_s * 1000), INTERVALS * device.interval_ms)
        since = device.lost_ms.get(name, device.value_ms[name])
        live_ms = -1 if device.came_ms is None else device.came_ms
        is_taken_off = name not in device.lost_ms and live_ms - since >= max(TAKEN_OFF_MS, patience)
        return since if live_ms - since >= patience and not is_taken_off else None

    def judge_age(self, bed, moment):
        """Judge whether a limit of what is measured hangs on an age that nobody said."""
        alarm = bed.alarms["age-unknown"]
        is_quiet = alarm.stands == "quiet" and not alarm.moving
        is_its_turn = moment.now_ms // LOOK_MS % TURNS == zlib.crc32(bed.name.encode()) % TURNS
        if self.rules.age_unknown_s and (is_its_turn or not is_quiet):
            asks = any(bed.latest(rule.signal) and hangs_on_age(rule) for rule in self.limits)
            level = LEVEL["low"] if asks and not bed.age_is_known else 0
            judge_level(self.telling, bed, alarm, level, self.rules.age_unknown_s, moment)


def hangs_on_age(rule):
    adult = rule.limits("adult")
    return any(
        (own.low, own.high) != (adult.low, adult.high) for own in (rule.limits(band) for band in AGE_BANDS)
    )
