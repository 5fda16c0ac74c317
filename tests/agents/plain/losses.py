"""Data that stop coming, in plain Python: silent devices and lost signals (docs/rules.md, `[technical]`)."""

from clinical.vitals import SIGNALS

INTERVALS = 2
TAKEN_OFF_MS = 600_000
EXPECTED = [signal.name for signal in SIGNALS if signal.periodic]


class Losses:
    """Losses begin with low priority and rise to medium."""

    def __init__(self, rules, telling):
        self.rules = rules.technical
        self.telling = telling

    def silent_ms_max(self, bed):
        """How long a patient's devices may be silent: the rule's time, or two announced intervals."""
        return max(round(self.rules.silent_device_s * 1000), INTERVALS * bed.interval_ms)

    def silent_since(self, bed, now_ms):
        """Return when the last frame came, None if that is not long ago. Only a newer frame ends a silence."""
        if bed.heard_ms is None:
            return None
        onset = bed.alarms["silent-device"].onset
        if now_ms - bed.heard_ms >= self.silent_ms_max(bed) or (onset is not None and bed.heard_ms <= onset):
            return bed.heard_ms
        return None

    def judge_silence(self, bed, waits_for_the_ward, moment):
        since = None if waits_for_the_ward else self.silent_since(bed, moment.now_ms)
        self.judge(bed, bed.alarms["silent-device"], since, moment)

    def judge_signals(self, bed, moment):
        for name in EXPECTED:
            alarm = bed.alarms["signal-loss-" + name]
            self.judge(bed, alarm, self.lost_since(bed, name, alarm, moment.now_ms), moment)

    def lost_since(self, bed, name, alarm, now_ms):
        """Return since when a signal has no valid reading.

        Either it is attached without one, or the frames of a device that is heard have stopped carrying it, which after
        a while means that it was taken off. What is lost stays so until a valid reading.
        """
        patience = max(round(self.rules.signal_loss_s * 1000), INTERVALS * bed.interval_ms)
        known = alarm.onset is not None
        if name in bed.lost_ms:
            invalid_since = bed.lost_ms[name]
            return invalid_since if known or now_ms - invalid_since >= patience else None
        if name not in bed.value_ms:
            return None
        last = bed.value_ms[name]
        if now_ms - last >= max(TAKEN_OFF_MS, patience):
            return None
        is_heard = self.silent_since(bed, now_ms) is None
        stopped = is_heard and now_ms - last >= patience
        return last if stopped or (known and last <= alarm.onset) else None

    def judge(self, bed, alarm, since, moment):
        """Judge one loss that has lasted since a time, or none."""
        if since is None:
            self.telling.over(bed, alarm, moment)
            return
        if alarm.stands == "quiet":
            alarm.onset, alarm.priority = since, "low"
        if moment.now_ms - alarm.onset >= round(self.rules.escalate_s * 1000) and alarm.priority == "low":
            self.telling.rank(bed, alarm, "medium", True, moment)
        self.telling.due(bed, alarm, moment, bed.withheld(alarm))
