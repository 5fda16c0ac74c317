"""Patients at live devices: frames with each device's own clock and numbers, a tick a second, what was told when."""

from logs import START_MS, frame_record, tick_record
from worker_model import WorkerModel

from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES


class LiveBeds:
    """A worker in the live time base; times in s since the start."""

    def __init__(self, rules=DEFAULT_RULES):
        self.worker = WorkerModel(rules, TimeRules(), patient_ttl_s=10 * 86_400)
        self._log, self._offset, self._seq = [], 0, {}

    def frame(self, at_s, device="mon", patient="bed-1", clock_s=0, seq=None, **fields):
        """Send a frame whose device's clock is so far ahead of the broker's; numbers rise by one if none is given."""
        last = self._seq.get((patient, device), -1)
        number = self._seq[patient, device] = last + 1 if seq is None else seq
        append_ms = START_MS + round(at_s * 1000)
        event_ms = append_ms + round(clock_s * 1000)
        self._log.append(
            frame_record(
                self._offset, append_ms, patient, device=device, seq=number, event_ms=event_ms, **fields
            )
        )
        self._offset += 1

    def tick(self, at_s):
        """Send a tick."""
        self._log.append(tick_record(self._offset, START_MS + round(at_s * 1000)))
        self._offset += 1

    def told(self):
        """Judge what was sent since the last time; return (patient, rule, phase, s) of it, in order."""
        before = len(self.worker.transitions)
        self.worker.take(self._log)
        self._log = []
        return [
            (told.patient, told.rule, told.phase, (told.at_ms - START_MS) / 1000)
            for told in self.worker.told()[before:]
        ]

    def starts(self):
        """Judge what was sent; return when each rule first started, by (patient, rule)."""
        found = {}
        for patient, rule, phase, at_s in self.told():
            if phase == "start":
                found.setdefault((patient, rule), at_s)
        return found

    def alert(self, rule, phase="start"):
        """Return the first alert of a rule in a phase."""
        return next(a for a in self.worker.alerts.values() if (a.rule, a.phase) == (rule, phase))
