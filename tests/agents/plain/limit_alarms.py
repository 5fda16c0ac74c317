"""Limit alarms in plain Python: one rule, one sample at a time (docs/rules.md, "What a rule does, exactly")."""

from plain.beds import RANK
from plain.losses import INTERVALS, TAKEN_OFF_MS

from clinical.vitals import INDEX, SIGNALS

DOUBTFUL = ("hr", "pulse")
CONTRADICTION_MS = 15_000
SCALE2_TARGET = 88
"""Where SpO2 scale 2 was ordered, no limit of the rules is above what every value from here on ends by its margin."""

DAY_MS = 86_400_000


class LimitAlarms:
    """The limit rules of a rule set."""

    def __init__(self, rules, telling):
        # The most severe first, and who is told of by another signal last.
        self.rules = sorted(rules.limits, key=lambda rule: (-RANK[rule.priority], rule.told_by is not None))
        self.telling = telling

    # --- what holds for a patient

    @staticmethod
    def limits(bed, rule):
        """Return the limits in force: the patient's own, else those of the age band."""
        own, of_band = bed.limits.get(rule.id, (None, None)), rule.limits(bed.band)
        low = own[0]
        if low is None:
            low = of_band.low
            if bed.scale2 and rule.signal == "spo2" and low is not None:
                low = min(low, SCALE2_TARGET - rule.clear_margin)
        high = own[1] if own[1] is not None else of_band.high
        return float("-inf") if low is None else low, float("inf") if high is None else high

    def breaks(self, bed, rule, value):
        low, high = self.limits(bed, rule)
        return value is not None and (value < low or value > high)

    def stood_for(self, bed, rule):
        """Whether a more severe alarm of the same side of the signal is announced."""
        for other in self.rules:
            if other.signal == rule.signal and RANK[other.priority] > RANK[rule.priority]:
                sides = (rule.low, other.low), (rule.high, other.high)
                same_side = any(mine is not None and theirs is not None for mine, theirs in sides)
                if same_side and bed.alarms[other.id].is_announced:
                    return True
        return False

    def told_by_another_signal(self, bed, rule, now_ms):
        """Whether the alarm of the heart rate says what this one of the pulse would: both agree, on the same side."""
        if rule.told_by is None or not self.same_rate(bed, now_ms):
            return False
        for other in self.rules:
            if other.signal == rule.told_by and RANK[other.priority] >= RANK[rule.priority]:
                sides = (rule.low, other.low), (rule.high, other.high)
                same_side = any(mine is not None and theirs is not None for mine, theirs in sides)
                if same_side and bed.alarms[other.id].is_announced:
                    return True
        return False

    @staticmethod
    def same_rate(bed, now_ms):
        """Whether heart rate and pulse are both of now and at most 20 % apart."""
        if any(name not in bed.value or name in bed.lost_ms for name in ("hr", "pulse")):
            return False
        age = now_ms - min(bed.value_ms["hr"], bed.value_ms["pulse"])
        hr, pulse = bed.value["hr"], bed.value["pulse"]
        return age <= max(CONTRADICTION_MS, 2 * bed.interval_ms) and abs(hr - pulse) <= 0.2 * max(hr, pulse)

    def may_not_begin(self, bed, rule, now_ms):
        in_doubt = rule.signal in DOUBTFUL and rule.priority != "high"
        return (
            bed.withheld(bed.alarms[rule.id])
            or self.stood_for(bed, rule)
            or self.told_by_another_signal(bed, rule, now_ms)
            or (in_doubt and bed.alarms["check-sensor"].stands == "active")
        )

    # --- one sample

    def judge(self, bed, signal, value, before, moment, interval_ms):
        for rule in self.rules:
            if rule.signal != signal:
                continue
            alarm = bed.alarms[rule.id]
            if alarm.onset is not None:
                self.deepen(bed, rule, alarm, *before, moment.at_ms)
            low, high = self.limits(bed, rule)
            if value is None:
                if alarm.stands == "quiet":
                    alarm.rest()
            elif self.breaks(bed, rule, value):
                self.outside(bed, rule, alarm, value, low, moment, interval_ms)
            elif value < low + rule.clear_margin or value > high - rule.clear_margin:
                alarm.inside_since = None
            else:
                if alarm.inside_since is None:
                    alarm.inside_since = moment.at_ms
                if moment.at_ms - alarm.inside_since >= rule.clear_delay_s * 1000:
                    self.telling.over(bed, alarm, moment, latches=rule.latch)

    def outside(self, bed, rule, alarm, value, low, moment, interval_ms):
        alarm.priority, alarm.inside_since = rule.priority, None
        if alarm.onset is None:
            alarm.onset, alarm.worst = moment.at_ms, value
        alarm.worst = min(alarm.worst, value) if value < low else max(alarm.worst, value)
        if self.has_lasted(rule, alarm, moment.at_ms, interval_ms):
            self.telling.due(bed, alarm, moment, self.may_not_begin(bed, rule, moment.now_ms))

    def deepen(self, bed, rule, alarm, value, at_ms, now_ms):
        """Let the previous sample's depth count up to now."""
        low, high = self.limits(bed, rule)
        alarm.area += max(low - value, value - high, 0) * (now_ms - at_ms)

    @staticmethod
    def has_lasted(rule, alarm, now_ms, interval_ms):
        no_sample_within_the_delay = rule.delay_s * 1000 < interval_ms < DAY_MS
        late = now_ms - alarm.onset >= rule.delay_s * 1000 or no_sample_within_the_delay
        if rule.integral is None:
            return late
        return alarm.area >= rule.integral * 1000 or (late and rule.delay_s > 0)

    # --- ticks

    def lapse(self, bed, moment):
        """End what somebody knew of, and forget what was withheld, where nothing was measured for long since."""
        for rule in self.rules:
            alarm, signal = bed.alarms[rule.id], SIGNALS[INDEX[rule.signal]]
            if alarm.stands in ("acknowledged", "withheld"):
                longest = max(TAKEN_OFF_MS, signal.age_s_max * 1000, INTERVALS * bed.interval_ms)
                if moment.now_ms - bed.value_ms[rule.signal] >= longest:
                    self.telling.over(bed, alarm, moment)

    def release(self, bed, moment):
        """Begin what nothing withholds any more, if the last reading still breaks the limit."""
        for rule in self.rules:
            alarm = bed.alarms[rule.id]
            if alarm.stands in ("withheld", "latched") and self.breaks(bed, rule, bed.value.get(rule.signal)):
                self.telling.due(bed, alarm, moment, self.may_not_begin(bed, rule, moment.now_ms))

    def stands_behind_another(self, bed, alarm):
        """Whether nobody is reminded of this alarm, because a more severe one of the signal stands for it."""
        return any(rule.id == alarm.rule and self.stood_for(bed, rule) for rule in self.rules)
