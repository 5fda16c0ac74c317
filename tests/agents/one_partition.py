"""A worker's one partition for tests, fed one record at a time."""

from logs import frame_record, order_record, tick_record


class OnePartition:
    """Feeds a worker (`worker_model.WorkerModel`) and returns what each record has told of; times in s."""

    def __init__(self, worker):
        self.worker, self.offset = worker, 0

    def take(self, record):
        """Return the transitions that a record led to; its other outcome is in `verdict`."""
        self.offset += 1
        before = len(self.worker.transitions)
        self.verdict = self.worker.take([record])
        return self.worker.transitions[before:]

    def frame(self, at_s, patient, **fields):
        at = {"append_ms": at_s * 1000, "event_ms": at_s * 1000, "seq": self.offset}
        return self.take(frame_record(self.offset, patient=patient, **at | fields))

    def tick(self, at_s):
        return self.take(tick_record(self.offset, at_s * 1000))

    def order(self, at_s, kind, patient, **more):
        """Return the answers to a command."""
        said = {"id": f"c{self.offset}", "kind": kind, "patient": patient, "actor": "clerk", **more}
        self.take(order_record(self.offset, at_s * 1000, {**said, "issued_ts_ms": at_s * 1000}))
        return self.verdict.answers

    def name(self, transition):
        """Return the rule of a transition."""
        return self.worker.judge.alarms[transition.column].id
