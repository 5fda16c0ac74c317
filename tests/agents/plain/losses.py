"""Data that stop coming, in plain Python: silent devices and lost signals (docs/rules.md, `[technical]`)."""

from plain.readings import MINUTE_MS, STRETCH_MS, misses_some

from clinical.vitals import SIGNALS

INTERVALS = 2
TAKEN_OFF_MS = 600_000
EXPECTED = [signal.name for signal in SIGNALS if signal.periodic]


class Losses:
    """Losses begin with low priority and rise to medium."""

    def __init__(self, rules, telling):
        self.rules = rules.technical
        self.telling = telling

    def silent_ms_max(self, device):
        """How long a device may be silent: the rule's time, or two of the intervals that it announces."""
        return max(round(self.rules.silent_device_s * 1000), INTERVALS * device.interval_ms)

    def lost_ms_max(self, device):
        """How long it may be without a valid reading, likewise."""
        return max(round(self.rules.signal_loss_s * 1000), INTERVALS * device.interval_ms)

    def silent_since(self, bed, now_ms, live=False):
        """Return when the last frame came, None if somebody is heard; `live`: a frame of now, none that was held back.

        A device speaks for those that may be silent for as long as itself, or longer. Only a newer frame ends one.
        """
        onset = bed.alarms["silent-device"].onset
        heard, silent = [], []
        for device in bed.heard():
            patience, last_ms = self.silent_ms_max(device), device.came_ms if live else device.heard_ms
            if last_ms is not None:
                quiet = now_ms - last_ms >= patience or (onset is not None and last_ms <= onset)
                (silent if quiet else heard).append((patience, last_ms))
        shortest = min((patience for patience, _ in heard), default=float("inf"))
        return max((heard_ms for patience, heard_ms in silent if patience < shortest), default=None)

    def judge_silence(self, bed, waits_for_the_ward, moment):
        if not bed.is_monitored:
            return
        since = None if waits_for_the_ward else self.silent_since(bed, moment.now_ms)
        self.judge(bed, bed.alarms["silent-device"], since, moment)

    def judge_signals(self, bed, moment):
        if not bed.is_monitored:
            return
        for name in EXPECTED:
            alarm = bed.alarms["signal-loss-" + name]
            self.judge(bed, alarm, self.lost_since(bed, name, alarm, moment.now_ms), moment)
            flicker = bed.alarms["unreliable-signal-" + name]
            since = moment.now_ms if flicker.onset is None else flicker.onset
            is_bad = self.is_unreliable(bed, name, flicker.onset is not None, moment.now_ms)
            self.judge(bed, flicker, since if is_bad else None, moment)

    def lost_since(self, bed, name, alarm, now_ms):
        """Return since when no device has a valid reading of a signal.

        Each is either attached without one, or its frames have stopped carrying it, which after a while means that it
        was taken off; what the last device lost last counts. What is lost stays so until a valid reading.
        """
        known, is_silent = alarm.onset is not None, self.silent_since(bed, now_ms, live=True) is not None
        lost = []
        for device in bed.heard():
            patience = self.lost_ms_max(device)
            taken_off = max(TAKEN_OFF_MS, patience)
            if name in device.lost_ms:
                if is_silent or (device.came_ms is not None and now_ms - device.came_ms < taken_off):
                    lost.append((device.lost_ms[name], now_ms - device.lost_ms[name] >= patience, True))
            elif name in device.value_ms:
                last = device.value_ms[name]
                if now_ms - last < patience and not (known and last <= alarm.onset):
                    return None
                if now_ms - last < taken_off:
                    lost.append((last, now_ms - last >= patience, False))
        if not lost or not (known or all(is_due for _, is_due, _ in lost)):
            return None
        if is_silent and not known and not any(attached for *_, attached in lost):
            return None
        return max(since for since, *_ in lost)

    def is_unreliable(self, bed, name, known, now_ms):
        """Whether a fifth of the last minute's readings is missing, a tenth once told, and no device is better."""
        bad = good = False
        for device in bed.heard():
            came = missed = gaps = 0
            whole = device.counted_ms is not None and now_ms - device.counted_ms >= MINUTE_MS
            if whole and misses_some(device, now_ms):
                for ago in range(5):
                    counted = device.counts.get((now_ms // STRETCH_MS - ago, name), (0, 0, 0))
                    came, missed, gaps = came + counted[0], missed + counted[1], gaps + counted[2]
            fresh = name in device.value_ms and now_ms - device.value_ms[name] < self.lost_ms_max(device)
            share, least = (0.1, 1) if known else (0.2, 2)
            if came and gaps >= least and missed >= share * (came + missed):
                bad = True
            elif fresh:
                good = True
        return bad and not good

    def judge(self, bed, alarm, since, moment):
        """Judge one loss that has lasted since a time, or none."""
        if since is None:
            self.telling.over(bed, alarm, moment)
            return
        if alarm.stands == "quiet":
            alarm.onset, alarm.priority = max(since, alarm.over_onset + 1), "low"
        if moment.now_ms - alarm.onset >= round(self.rules.escalate_s * 1000) and alarm.priority == "low":
            self.telling.rank(bed, alarm, "medium", True, moment)
        self.telling.due(bed, alarm, moment, bed.withheld(alarm))
