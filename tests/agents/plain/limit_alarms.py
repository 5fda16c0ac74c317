"""Limit alarms in plain Python: one rule, one sample at a time (docs/rules.md, "What a rule does, exactly")."""

from plain.beds import RANK
from plain.losses import INTERVALS, TAKEN_OFF_MS

from clinical.vitals import INDEX, SIGNALS

DOUBTFUL = ("hr", "pulse")
DAY_MS = 86_400_000
STEP = {"spo2": 10, "abp_sys": 15, "nbp_sys": 15}
SHARE = {"hr": 0.2, "pulse": 0.2, "resp": 0.2}
"""By how much an alarm that somebody knows of is worse, in the signal's unit or as a share of what is known."""


class LimitAlarms:
    """The limit rules of a rule set."""

    def __init__(self, rules, telling):
        self.rules = sorted(rules.limits, key=lambda rule: -RANK[rule.priority])  # the most severe first
        self.telling = telling

    # --- what holds for a patient

    @staticmethod
    def limits(bed, rule):
        """Return the limits in force: the patient's own, else those of the age band."""
        own, of_band = bed.limits.get(rule.id, (None, None)), rule.limits(bed.band)
        low = own[0] if own[0] is not None else of_band.low
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

    def may_not_begin(self, bed, rule):
        in_doubt = rule.signal in DOUBTFUL and rule.priority != "high"
        return (
            bed.withheld(bed.alarms[rule.id])
            or self.stood_for(bed, rule)
            or (in_doubt and not rule.never_withheld and bed.alarms["check-sensor"].stands == "active")
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
            self.telling.due(bed, alarm, moment, self.may_not_begin(bed, rule))

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

    def worsen(self, bed, moment):
        """Tell again of what is worse by a step than somebody knows of; a more severe alarm tells of it instead."""
        for rule in self.rules:
            alarm = bed.alarms[rule.id]
            if alarm.known is None or not self.is_worse(rule, alarm):
                continue
            if self.stood_for(bed, rule):
                alarm.known = alarm.worst
            else:
                self.telling.rank(bed, alarm, alarm.priority, True, moment)

    @staticmethod
    def is_worse(rule, alarm):
        by = abs(alarm.worst - alarm.known)
        step, share = rule.worse_step, rule.worse_share
        if step is None and share is None:
            step, share = STEP.get(rule.signal), SHARE.get(rule.signal)
        least = share * abs(alarm.known) if step is None and share is not None else step
        return least is not None and by > 0 and by >= least - 1e-9

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
                self.telling.due(bed, alarm, moment, self.may_not_begin(bed, rule))

    def stands_behind_another(self, bed, alarm):
        """Whether nobody is reminded of this alarm, because a more severe one of the signal stands for it."""
        return any(rule.id == alarm.rule and self.stood_for(bed, rule) for rule in self.rules)
