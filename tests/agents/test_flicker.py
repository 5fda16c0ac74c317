"""Readings and missing readings of the last minute, against a list of all of them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.judging.alarms import LOSS_COLUMNS
from agents.judging.flicker import MINUTE_MS, count, flickers, last_minute
from clinical.limits import NEVER
from clinical.vitals import ABSENT, COUNT
from tables.device_rows import FLICKER_SLOT_MS, DeviceRows

DEVICES = 3
SIGNALS = LOSS_COLUMNS[:2]
START_MS = 1_600_000_000_000 // FLICKER_SLOT_MS * FLICKER_SLOT_MS

readings = st.sampled_from((80.0, 80.0, np.nan, ABSENT))
steps = st.sampled_from((0, 1, 2, 7, 15, 16, 40, 61, 200))
rounds = st.lists(
    st.tuples(steps, st.lists(st.tuples(readings, readings), min_size=DEVICES, max_size=DEVICES)), max_size=60
)
"""(s since the last, what each device says of two signals)."""


class Plainly:
    """One device: every reading, since the first missing one after a minute without one."""

    def __init__(self):
        self.last_missing = self.since = None
        self.said = []
        self.lost = set()

    def misses(self, now_ms):
        return self.last_missing is not None and now_ms - self.last_missing <= MINUTE_MS

    def say(self, now_ms, values):
        missing = any(np.isnan(value) for value in values)
        if missing and not self.misses(now_ms):
            self.since, self.said = now_ms, []
        if missing:
            self.last_missing = now_ms
        gaps = [bool(np.isnan(value)) and i not in self.lost for i, value in enumerate(values)]
        if self.misses(now_ms):
            self.said.append((now_ms, values, gaps))
        for i, value in enumerate(values):
            if np.isnan(value):
                self.lost.add(i)
            elif np.isfinite(value):
                self.lost.discard(i)

    def counted(self, now_ms, signal):
        """Return (came, missed, gaps) in the present stretch and the minute before it."""
        if self.since is None or now_ms - self.since < MINUTE_MS or not self.misses(now_ms):
            return 0, 0, 0
        begin = now_ms // FLICKER_SLOT_MS * FLICKER_SLOT_MS - MINUTE_MS
        said = [(values[signal], gaps[signal]) for at_ms, values, gaps in self.said if at_ms >= begin]
        values = [value for value, _ in said]
        return sum(map(np.isfinite, values)), sum(map(np.isnan, values)), sum(gap for _, gap in said)


def one_frame_each(said):
    samples = np.full((len(said), COUNT), ABSENT)
    for i, values in enumerate(said):
        samples[i, SIGNALS] = values
    return samples


def count_and_take(devices, at, now_ms, samples):
    """Count one frame of each device and note since when each signal is lost, as the judge does."""
    count(devices, at, np.full(len(at), now_ms), samples)
    lost = devices.lost_ms[at]
    lost[np.isnan(samples) & (lost == NEVER)] = now_ms
    lost[np.isfinite(samples)] = NEVER
    devices.lost_ms[at] = lost


@settings(max_examples=200, deadline=None)
@given(rounds)
def test_the_last_minute_is_counted_as_a_list_of_all_readings_counts_it(log):
    devices, plain = DeviceRows(0), [Plainly() for _ in range(DEVICES)]
    at = np.array([devices.take_row(0, 1 + i) for i in range(DEVICES)])
    now_ms = START_MS
    for step_s, said in log:
        now_ms += step_s * 1000
        count_and_take(devices, at, now_ms, one_frame_each(said))
        for device, values in zip(plain, said, strict=True):
            device.say(now_ms, values)
        assert flickers(devices, at, now_ms).tolist() == [device.misses(now_ms) for device in plain]
        found = last_minute(devices, at, now_ms)
        for i, device in enumerate(plain):
            for signal in range(2):
                counted = found.came[i, signal], found.missed[i, signal], found.gaps[i, signal]
                assert counted == device.counted(now_ms, signal)


def test_a_device_of_which_nothing_is_missing_is_not_counted():
    devices = DeviceRows(0)
    at = np.array([devices.take_row(0, 1)])
    for at_s in range(200):
        count(devices, at, np.array([START_MS + at_s * 1000]), one_frame_each([(80.0, 97.0)]))
    assert not devices.came.any()
    assert not flickers(devices, at, START_MS + 200_000).any()


def test_one_device_s_missing_readings_are_not_counted_for_another():
    devices = DeviceRows(0)
    at = np.array([devices.take_row(0, 1), devices.take_row(0, 2)])
    for at_s in range(100):
        samples = one_frame_each([(np.nan if at_s % 2 else 80.0, 97.0), (80.0, 97.0)])
        count_and_take(devices, at, START_MS + at_s * 1000, samples)
    found = last_minute(devices, at, START_MS + 100_000)
    for counted in (found.came, found.missed, found.gaps):
        assert counted[0, 0] > 0
        assert not counted[1].any()
