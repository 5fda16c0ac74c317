"""The rules of limit alarms once more, in plain Python: one patient, one signal, one sample at a time.

Written from the description of the rules, not from the engine: it is what the engine is compared with.
"""

import json
from dataclasses import dataclass

from clinical.vitals import SIGNALS


@dataclass
class Run:
    """One rule of one patient: the run of violating samples, if there is one. Times in ms."""

    onset: int | None = None
    started: bool = False
    inside_since: int | None = None
    worst: float | None = None


class PlainJudge:
    """Takes records in the order of the log and lists (offset, patient, rule, phase, onset, worst)."""

    def __init__(self, limits, recorded, ahead_ms=5_000, horizon_ms=60_000, pace_ms=500):
        self.limits = limits
        self.recorded = recorded
        self.ahead_ms, self.horizon_ms, self.pace_ms = ahead_ms, horizon_ms, pace_ms
        self.seen = set()
        self.last = {}
        self.newest = {}
        self.runs = {}
        self.told = []

    def take(self, record):
        frame = json.loads(record.value)
        device = (frame["patient"], frame["device"], frame["boot"])
        if (*device, frame["seq"]) in self.seen:
            return
        self.seen.add((*device, frame["seq"]))
        time_ms = self.time_of(frame["event_ts_ms"], record.timestamp, self.last.get(device))
        self.last[device] = (frame["event_ts_ms"], record.timestamp)
        if time_ms is None:
            return
        ruled = {rule.signal for rule in self.limits}
        for signal in SIGNALS:
            if signal.name in ruled & set(frame):
                self.sample(record.offset, frame["patient"], signal, frame[signal.name], time_ms)

    def time_of(self, event_ms, append_ms, before):
        """Return the time that counts, None for a frame that is no live reading."""
        if self.recorded or -self.ahead_ms <= append_ms - event_ms <= self.horizon_ms:
            return event_ms
        if event_ms > append_ms:
            return append_ms
        if before is None:
            return None
        measured, delivered = event_ms - before[0], append_ms - before[1]
        at_pace = abs(delivered - measured) <= self.pace_ms + measured // 2
        return append_ms if measured > 0 and delivered > 0 and at_pace else None

    def sample(self, offset, patient, signal, value, time_ms):
        if time_ms < self.newest.get((patient, signal.name), 0):
            return
        self.newest[patient, signal.name] = time_ms
        if value is not None and not signal.low <= float(value) <= signal.high:
            value = None
        for rule in self.limits:
            if rule.signal == signal.name:
                run = self.runs.setdefault((patient, rule.id), Run())
                self.judge(
                    rule,
                    run,
                    value,
                    time_ms,
                    lambda phase, r=rule, n=run: self.tell(offset, patient, r, phase, n),
                )

    def tell(self, offset, patient, rule, phase, run):
        self.told.append((offset, patient, rule.id, phase, run.onset, run.worst))

    def judge(self, rule, run, value, time_ms, tell):
        low = float("-inf") if rule.low is None else rule.low
        high = float("inf") if rule.high is None else rule.high
        if value is None:
            if not run.started:
                run.__init__()
        elif value < low or value > high:
            run.inside_since = None
            if run.onset is None:
                run.onset, run.worst = time_ms, value
            run.worst = min(run.worst, value) if value < low else max(run.worst, value)
            if not run.started and time_ms - run.onset >= rule.delay_s * 1000:
                run.started = True
                tell("start")
        elif value < low + rule.clear_margin or value > high - rule.clear_margin:
            run.inside_since = None
        else:
            if run.inside_since is None:
                run.inside_since = time_ms
            if time_ms - run.inside_since >= rule.clear_delay_s * 1000:
                if run.started:
                    tell("end")
                run.__init__()
