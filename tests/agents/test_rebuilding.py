"""A state that is built again, whatever befalls its worker meanwhile: told is what one judge of the log tells."""

import asyncio
from types import SimpleNamespace

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from logs import worlds
from worker_model import CHANGELOG, WorkerModel

from clinical.defaults import DEFAULT_RULES
from tables.changelog.progress import END_KEY
from tables.changelog.restore import Restorer

MOMENTS = st.lists(
    st.tuples(
        st.integers(0, 60), st.sampled_from(("checkpoint", "die", "rebalance", "lose", "deleted", "stale"))
    ),
    max_size=14,
)
"""After how many records, and what then befalls the worker: while it builds a state again, too."""


class Rebuilding(WorkerModel):
    """A worker whose changelog may be deleted, and whose group may be rebalanced while it keeps its partition."""

    begins = 0
    resumed = 0
    stale_end = None

    def restart(self):
        """Die, and recover what the changelog still has."""
        self._start()
        self._recover()

    def rebalance(self):
        """Hand over, and be given the same partition again."""
        self.store.partition(0)
        self.store.revoke()
        self.checkpoint()
        self.store.assign([0])
        self._recover()

    def lose(self):
        """Be given the partition again without having handed it over, as when the session was lost."""
        self.store.partition(0)
        self.store.revoke()
        self.store.assign([0])
        self._recover()

    def deleted(self):
        """Lose all records; one who has not heard of it will write the end of a checkpoint."""
        ends = [value for key, value in self.changelog.records[self.begins :] if key == END_KEY]
        self.stale_end = ends[-1] if ends else self.stale_end
        self.begins = len(self.changelog.records)

    def stale(self):
        """Write what said before the deletion how far the state reached."""
        if self.stale_end is not None:
            self.changelog.records.append((END_KEY, self.stale_end))

    def _recover(self):
        applied = self.store.persisted_offset(TP(CHANGELOG, 0))
        first = max(self.begins, 0 if applied is None else applied + 1)
        batch = [
            SimpleNamespace(
                message=SimpleNamespace(partition=0, offset=offset, key=key.encode(), value=value)
            )
            for offset, (key, value) in enumerate(self.changelog.records)
            if offset >= first
        ]
        self.store.partition(0)
        self.store.apply_changelog_batch(batch, None, None)
        asyncio.run(self.store.on_recovery_completed({TP(CHANGELOG, 0)}, set()))
        restorer = Restorer(self.store, CHANGELOG, lambda number: None)
        self.resumed = restorer.resume_at({0: self.committed}, {0: self.begins})[0]

    def play(self, log, moments):
        """Work through the log; at each moment something befalls the worker."""
        at = 0
        for count, what in moments:
            self.take(log[at : at + count])
            at = min(at + count, len(log))
            if what == "checkpoint":
                self.checkpoint()
            elif what == "die":
                self.restart()
            else:
                getattr(self, what)()
            if what in ("die", "rebalance", "lose"):
                at = next((i for i, record in enumerate(log) if record.offset >= self.resumed), len(log))
        self.take(log[at:])


def tells_as_one(world, moments):
    time, log = world
    plain, worker = WorkerModel(DEFAULT_RULES, time), Rebuilding(DEFAULT_RULES, time)
    plain.take(log)
    worker.play(log, moments)
    return worker.alerts == plain.alerts


@given(worlds(), MOMENTS)
def test_what_is_told_is_what_one_judge_of_the_log_tells(world, moments):
    assert tells_as_one(world, moments)


@given(worlds(), st.integers(20, 150), st.integers(1, 60), MOMENTS)
def test_nothing_is_passed_over_that_a_deleted_state_had_judged(world, first, again, moments):
    """Two workers: one writes where its state ended after that was deleted, the other builds it again and keeps it."""
    deleted = [(first, "checkpoint"), (0, "deleted"), (0, "stale"), (0, "die")]
    assert tells_as_one(world, [*deleted, (again, "rebalance"), *moments])
