"""Limit alarms in plain Python: one rule, one sample at a time (docs/rules.md, "What a rule does, exactly")."""

from plain.beds import RANK
from plain.losses import INTERVALS, TAKEN_OFF_MS

from clinical.vitals import INDEX, SIGNALS

DOUBTFUL = ("hr", "pulse")
CONTRADICTION_MS = 15_000
SCALE2_TARGET = 88
"""Where SpO2 scale 2 was ordered, no limit of the rules is above what every value from here on ends by its margin."""

DAY_MS = 86_400_000
DOUBT_MS_MAX = 60_000
STEP = {"spo2": 10, "abp_sys": 15, "nbp_sys": 15}
SHARE = {"hr": 0.2, "pulse": 0.2, "resp": 0.2}
"""By how much an alarm that somebody knows of is worse, in the signal's unit or as a share of what is known."""


class LimitAlarms:
    """The limit rules of a rule set."""

    def __init__(self, rules, telling, losses):
        self.losses = losses
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

    def settles(self, bed, signal, bound):
        """Whether a bound breaks any limit of a signal for sure."""
        return any(
            rule.signal == signal.name and bound.is_outside(*self.limits(bed, rule)) for rule in self.rules
        )

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
        hr, pulse = bed.latest("hr"), bed.latest("pulse")
        if hr is None or pulse is None or "hr" in hr.lost_ms or "pulse" in pulse.lost_ms:
            return False
        age = now_ms - min(hr.value_ms["hr"], pulse.value_ms["pulse"])
        longest = max(CONTRADICTION_MS, 2 * hr.interval_ms, 2 * pulse.interval_ms)
        rates = hr.value["hr"], pulse.value["pulse"]
        return None not in rates and age <= longest and max(rates) - min(rates) <= 0.2 * max(rates)

    def may_not_begin(self, bed, rule, now_ms):
        is_low_pulse = rule.signal == "pulse" and rule.low is not None
        in_doubt = rule.signal in DOUBTFUL and not is_low_pulse and rule.priority != "high"
        return (
            bed.withheld(bed.alarms[rule.id])
            or self.stood_for(bed, rule)
            or self.told_by_another_signal(bed, rule, now_ms)
            or (in_doubt and not rule.never_withheld and self.sensors_are_in_doubt(bed, now_ms))
        )

    @staticmethod
    def sensors_are_in_doubt(bed, now_ms):
        """Whether a contradiction was told of, for no longer than a minute, and both readings are of now."""
        alarm = bed.alarms["check-sensor"]
        if alarm.stands != "active" or now_ms - alarm.onset > DOUBT_MS_MAX:
            return False
        devices = [bed.latest(name) for name in DOUBTFUL]
        if None in devices or any(n in d.lost_ms for n, d in zip(DOUBTFUL, devices, strict=True)):
            return False
        older = min(d.value_ms[n] for n, d in zip(DOUBTFUL, devices, strict=True))
        return now_ms - older <= 1.5 * max(d.interval_ms for d in devices)

    # --- one sample

    def judge(self, bed, device, sample, moment):
        for rule in self.rules:
            if rule.signal == sample.signal.name:
                self.judge_rule(bed, device, rule, sample, moment)

    def judge_rule(self, bed, device, rule, sample, moment):
        alarm, run, value = bed.alarms[rule.id], device.run(rule.id), sample.value
        low, high = self.limits(bed, rule)
        bound = sample.bound if sample.bound and sample.bound.is_outside(low, high) else None
        self.accumulate(bed, device, rule, run, sample, bound, moment.at_ms)
        if bound is not None:
            self.outside(bed, device, rule, sample, bound.mildest, low, bound.text, moment)
            return
        if value is None:
            return  # a missing reading, or a bound of which nobody knows, pauses the run
        if self.breaks(bed, rule, value):
            self.outside(bed, device, rule, sample, value, low, "", moment)
        elif value < low + rule.clear_margin or value > high - rule.clear_margin:
            run.inside_since = None
        else:
            if run.inside_since is None:
                run.inside_since = moment.at_ms
            if moment.at_ms - run.inside_since >= rule.clear_delay_s * 1000:
                run.onset, run.area = None, 0.0
                waits = alarm.stands == "quiet"
                if (run.excess == 0 or waits) and not self.others_violate(bed, device, rule, moment):
                    self.telling.over(bed, alarm, moment, latches=rule.latch)
        if alarm.stands == "quiet" and not any(
            d.run(rule.id).onset is not None for d in bed.devices.values()
        ):
            self.telling.rest(bed, alarm)

    def others_violate(self, bed, device, rule, moment):
        """Whether another device that is heard, and measures the signal, has a run."""
        for other in bed.heard():
            if other is device or other.run(rule.id).onset is None:
                continue
            silent = moment.now_ms - other.heard_ms >= self.losses.silent_ms_max(other)
            came = other.value_ms.get(rule.signal, -1)
            if not silent and moment.now_ms - came < self.losses.lost_ms_max(other):
                return True
        return False

    def outside(self, bed, device, rule, sample, value, low, text, moment):
        """Judge a value outside the limits, or the mildest one of a bound, which has a text."""
        alarm, run = bed.alarms[rule.id], device.run(rule.id)
        alarm.priority, run.inside_since = rule.priority, None
        if sample.gap_ms > max(rule.gap_s * 1000, INTERVALS * device.interval_ms):
            run.onset, run.area = None, 0.0  # too long without a reading: it begins anew
        if run.onset is None:
            run.onset = moment.at_ms
        if alarm.worst is None or (value < alarm.worst if value < low else value > alarm.worst):
            alarm.worst, alarm.bound = value, text
        lasted = self.has_lasted(rule, run, moment.at_ms, device.interval_ms)
        by_excess = rule.excess_s is not None and run.excess >= rule.excess_s * 1000
        if lasted:
            run.excess = 0
        if lasted or by_excess or alarm.stands == "latched":
            if alarm.stands == "quiet":
                alarm.onset = max(run.onset, alarm.over_onset + 1)
            self.telling.due(bed, alarm, moment, self.may_not_begin(bed, rule, moment.now_ms))

    def accumulate(self, bed, device, rule, run, sample, bound, now_ms):
        """Let the previous sample count up to now: its depth, and whether it was outside or not.

        Between two bounds the depth of the later one counts.
        """
        low, high = self.limits(bed, rule)
        before = sample.before
        if before is None and bound is not None:
            before = bound.mildest
        depth = 0 if before is None else max(low - before, before - high, 0)
        elapsed = 0 if sample.newest is None else now_ms - sample.newest
        if run.onset is not None:
            run.area += depth * elapsed
        if rule.excess_s is None:
            return
        run.excess += min(elapsed, rule.gap_s * 1000) if depth > 0 and run.onset is not None else -elapsed
        run.excess = min(max(run.excess, 0), rule.excess_s * 1000)

    @staticmethod
    def has_lasted(rule, run, now_ms, interval_ms):
        no_sample_within_the_delay = rule.delay_s * 1000 < interval_ms < DAY_MS
        late = now_ms - run.onset >= rule.delay_s * 1000 or no_sample_within_the_delay
        if rule.integral is None:
            return late
        return run.area >= rule.integral * 1000 or (late and rule.delay_s > 0)

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
                device = bed.latest(rule.signal)
                longest = max(TAKEN_OFF_MS, signal.age_s_max * 1000, INTERVALS * device.interval_ms)
                if moment.now_ms - device.value_ms[rule.signal] >= longest:
                    self.telling.over(bed, alarm, moment)

    def release(self, bed, moment):
        """Begin what nothing withholds any more, if the last reading still breaks the limit."""
        for rule in self.rules:
            alarm = bed.alarms[rule.id]
            still = any(self.still_breaks(bed, rule, device) for device in bed.devices.values())
            if alarm.stands in ("withheld", "latched") and still:
                self.telling.due(bed, alarm, moment, self.may_not_begin(bed, rule, moment.now_ms))

    def still_breaks(self, bed, rule, device):
        """Whether the last value does, or the last was a bound and the run goes on."""
        if device.value.get(rule.signal) is None:
            return rule.signal in device.value_ms and device.run(rule.id).onset is not None
        return self.breaks(bed, rule, device.value[rule.signal])

    def stands_behind_another(self, bed, alarm):
        """Whether nobody is reminded of this alarm, because a more severe one of the signal stands for it."""
        return any(rule.id == alarm.rule and self.stood_for(bed, rule) for rule in self.rules)
