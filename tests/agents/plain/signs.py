"""Signs of life that are lost together, and patients of unknown age, in plain Python (docs/rules.md, `[technical]`)."""

from plain.levels import LEVEL, judge_level
from plain.losses import INTERVALS, TAKEN_OFF_MS

TOGETHER_MS = 30_000


class Signs:
    """What asks somebody to look at the patient, or into the profile."""

    def __init__(self, rules, telling, losses):
        self.rules = rules.technical
        self.telling = telling
        self.losses = losses

    def judge(self, bed, moment):
        """Judge a loss of pulse, oxygen saturation, and heart rate or respiration; of a silent bed nobody knows."""
        alarm = bed.alarms["vital-loss"]
        if not self.rules.vital_loss_s:
            return
        level = LEVEL["high"] if self.lost_together(bed, moment.now_ms) else 0
        if not self.is_heard(bed, moment.now_ms) and (level or alarm.stands != "quiet"):
            level = None
        judge_level(self.telling, bed, alarm, level, 0, moment)

    def is_heard(self, bed, now_ms):
        return bed.heard_ms is not None and now_ms - bed.heard_ms < self.losses.silent_ms_max(bed)

    def lost_together(self, bed, now_ms):
        for third in ("hr", "resp"):
            since = [self.lost_since(bed, name, now_ms) for name in ("pulse", "spo2", third)]
            if None not in since and max(since) - min(since) <= TOGETHER_MS:
                return True
        return False

    def lost_since(self, bed, name, now_ms):
        """Return since when a signal that once had a reading has none: not a valid one, or no sample at all."""
        if name not in bed.value_ms:
            return None
        patience = max(round(self.rules.vital_loss_s * 1000), INTERVALS * bed.interval_ms)
        if name in bed.lost_ms:
            return bed.lost_ms[name] if now_ms - bed.lost_ms[name] >= patience else None
        age = now_ms - bed.value_ms[name]
        stopped = self.is_heard(bed, now_ms) and patience <= age < max(TAKEN_OFF_MS, patience)
        return bed.value_ms[name] if stopped else None

    def judge_age(self, bed, moment):
        """Judge whether a patient is measured whose age nobody said."""
        if self.rules.age_unknown_s:
            level = LEVEL["low"] if bed.heard_ms is not None and not bed.age_is_known else 0
            judge_level(self.telling, bed, bed.alarms["age-unknown"], level, self.rules.age_unknown_s, moment)
