"""Frames in plain Python: which are new, whose clock counts, and what of their readings is remembered.

The time of a frame is when it was measured, unless its device's clock disagrees with the broker's; `arrival` is when
the broker took it, and in a recording the same as its time.
"""

from dataclasses import dataclass
from math import inf, nextafter

from plain.beds import Device

from clinical.vitals import ACVPU, FLAGS, SIGNALS, Signal

AHEAD_MS = 5_000
HORIZON_MS = 60_000
PACE_MS = 500
SEEN = 128
"""A number so far below the device's highest is one of a count that began again."""

DEVICES = 16
STRETCH_MS = 15_000
MINUTE_MS = 60_000

HALF_MINUTE_MS = 30_000
CHARTED = ("consciousness", *FLAGS)
"""What is charted or reported has no course over minutes."""


def take_frame(bed, frame, append_ms, recorded, offset):
    """Remember a frame; return (device, whether it comes next, time, arrival), or None for one that is not live."""
    event_ms = frame["event_ts_ms"]
    arrival_ms = event_ms if recorded else append_ms
    device = device_of(bed, frame, arrival_ms)
    what = remember(device, frame)
    if what == "again" or (what == "late" and device.event_ms is not None and event_ms > device.event_ms):
        device.conflicts.append(arrival_ms)
    if what == "repeat":
        return None
    bed.came += 1
    comes_next = what in ("next", "again")
    clock = "live" if recorded else clock_of(event_ms, append_ms, device, comes_next)
    device.event_ms, device.append_ms, device.clock, device.used = event_ms, append_ms, clock, offset
    device.heard_ms = arrival_ms if device.heard_ms is None else max(device.heard_ms, arrival_ms)
    device.interval_ms = frame["interval_ms"]
    time_ms = append_ms if clock == "suspect" else event_ms
    bed.heard_ms = arrival_ms if bed.heard_ms is None else max(bed.heard_ms, arrival_ms)
    for signal in SIGNALS:
        value = reading(signal, frame)
        if value is not None and signal.name not in CHARTED:
            half_minute = time_ms // HALF_MINUTE_MS
            bed.half_minutes.setdefault((signal.name, half_minute), []).append(round(value * 100))
    return None if clock == "held-back" else (device, comes_next, time_ms, arrival_ms)


def device_of(bed, frame, arrival_ms):
    """Return the device of a frame; the one that was not heard for longest makes room for a new one."""
    name = frame["device"]
    if name not in bed.devices:
        if len(bed.devices) == DEVICES:
            del bed.devices[min(bed.devices, key=lambda other: bed.devices[other].used)]
            bed.pushed_out_ms = max(arrival_ms, bed.pushed_out_ms or 0)
            for alarm in bed.alarms.values():
                runs = any(device.run(alarm.rule).onset is not None for device in bed.devices.values())
                if alarm.stands == "quiet" and alarm.worst is not None and not runs:
                    alarm.rest()
        bed.devices[name] = Device(frame["boot"])
    return bed.devices[name]


def remember(device, frame):
    """Say what a frame is to its device: next, again (next in a count that began again), late, or a repeat."""
    boot, seq = frame["boot"], frame["seq"]
    says = [(signal.name, raw(signal, frame)) for signal in SIGNALS if signal.name in frame]
    says += sorted((name, *said.values()) for name, said in frame.get("bounds", {}).items())
    content = frame["event_ts_ms"], frame["interval_ms"], says
    if boot < device.boot:
        return "late" if frame["event_ts_ms"] > device.event_ms else "repeat"
    if boot > device.boot or seq - device.top >= SEEN:
        what = "next"
        device.said.clear()
    elif seq > device.top:
        what = "next"
    elif seq <= device.top - SEEN:
        what = "again"
    elif seq not in device.said:
        what = "late"
    elif device.said[seq] == content:
        return "repeat"
    else:
        what = "again"
    if what == "again":
        device.said.clear()
    device.said[seq] = content
    if what != "late":
        device.boot, device.top = boot, seq
    return what


def raw(signal, frame):
    value = frame[signal.name]
    if isinstance(value, str):
        value = ACVPU.index(value)
    return None if value is None else float(value)


def clock_of(event_ms, append_ms, before, comes_next):
    """Tell a device whose clock is wrong, which keeps its pace, from one that delivers what it held back."""
    if append_ms - event_ms < -AHEAD_MS:
        return "suspect"
    if append_ms - event_ms <= HORIZON_MS:
        return "live"
    if before.event_ms is None:
        return "suspect"  # nobody knows its pace yet
    measured, delivered = event_ms - before.event_ms, append_ms - before.append_ms
    if comes_next and measured < 0:
        return "suspect"  # what was held back was measured one after the other
    at_pace = abs(delivered - measured) <= PACE_MS + measured // 2
    return "suspect" if measured > 0 and delivered > 0 and at_pace else "held-back"


def reading(signal, frame):
    """Return the number that a frame carries of a signal, None where it has no valid reading."""
    value = frame.get(signal.name)
    if isinstance(value, str):
        value = ACVPU.index(value)
    if value is None or not signal.low <= value <= signal.high:
        return None
    return float(value)


@dataclass
class Bound:
    """What a frame says of a signal in place of a value; `mildest` is the value nearest to the inside it allows."""

    comparator: str
    limit: float

    @property
    def mildest(self):
        towards = {"<": -inf, ">": inf}.get(self.comparator)
        return self.limit if towards is None else nextafter(self.limit, towards)

    @property
    def text(self):
        return f"{self.comparator}{self.limit:g}"

    def is_outside(self, low, high):
        """Whether every value that it allows is outside."""
        return self.mildest < low if self.comparator.startswith("<") else self.mildest > high


def bound_in(signal, frame):
    """Return the bound that a frame carries of a signal, None where it has none, or one of what no sensor reports."""
    said = frame.get("bounds", {}).get(signal.name)
    if said is None or not signal.low <= said["value"] <= signal.high:
        return None
    return Bound(said["comparator"], float(said["value"]))


def carries(signal, frame):
    return signal.name in frame or signal.name in frame.get("bounds", {})


def follow_clock(device, time_ms, arrival_ms):
    """A clock that stepped back: what the device remembers goes along, as far as time has not passed on the way."""
    if device.now_ms is not None and time_ms < device.now_ms:
        shift = time_ms - device.now_ms - max(0, arrival_ms - device.came_ms)
        for name, at in device.newest.items():
            device.newest[name] = max(0, at + shift)
        for run in device.runs.values():
            for name in ("onset", "inside_since"):
                at = getattr(run, name)
                setattr(run, name, None if at is None else max(0, at + shift))
    device.now_ms, device.came_ms = time_ms, arrival_ms


@dataclass
class Sample:
    """One reading of one signal, or a missing one, and what the device had said of the signal before."""

    signal: Signal
    value: float | None
    before: float | None
    newest: int | None
    gap_ms: int
    bound: Bound | None = None


def take_samples(device, frame, time_ms, arrival_ms, settles):
    """Yield every sample that is judged: what is older than the device's newest sample of the signal is not.

    A bound that `settles` any limit is a sample, after which the last value is unknown; another one is a missing one.
    """
    for signal in SIGNALS:
        name = signal.name
        if not carries(signal, frame) or time_ms < device.newest.get(name, 0):
            continue
        value, bound = reading(signal, frame), bound_in(signal, frame)
        if bound is not None and not settles(signal, bound):
            bound = None
        was_missing = name in device.lost_ms and name in device.value_ms
        gap_ms = arrival_ms - device.value_ms[name] if was_missing else 0
        sample = Sample(signal, value, device.value.get(name), device.newest.get(name), gap_ms, bound)
        device.newest[name] = time_ms
        if value is None and bound is None:
            device.lost_ms.setdefault(name, arrival_ms)
        else:
            device.value[name], device.value_ms[name] = value, arrival_ms
            device.lost_ms.pop(name, None)
        yield sample


def count(device, frame, arrival_ms, settles):
    """Count valid and missing readings of periodic signals, from a missing one until none was missing for a minute."""
    samples = {s.name: reading(s, frame) for s in SIGNALS if s.periodic and carries(s, frame)}
    for signal in SIGNALS:
        bound = bound_in(signal, frame)
        if signal.periodic and bound is not None and settles(signal, bound):
            samples[signal.name] = bound
    flickers = misses_some(device, arrival_ms)
    if None in samples.values():
        if not flickers:
            device.counts, device.counted_ms = {}, arrival_ms
        device.missing_ms = max(arrival_ms, device.missing_ms or 0)
    elif not flickers:
        return
    for name, value in samples.items():
        counted = device.counts.setdefault((arrival_ms // STRETCH_MS, name), [0, 0, 0])
        counted[value is None] += 1
        counted[2] += value is None and name not in device.lost_ms


def misses_some(device, now_ms):
    return device.missing_ms is not None and now_ms - device.missing_ms <= MINUTE_MS


def half_minute_means(bed, signal, last, count):
    """Return the means of `count` half-minutes up to number `last`, oldest first, None where one is empty."""
    means = []
    for number in range(last - count + 1, last + 1):
        hundredths = bed.half_minutes.get((signal, number))
        means.append(sum(hundredths) / len(hundredths) / 100 if hundredths else None)
    return means


def most_readings(bed, number):
    """Return how many readings of one signal a half-minute holds at most."""
    return max((len(found) for (_, n), found in bed.half_minutes.items() if n == number), default=0)


def is_fresh(at_ms, now_ms, longest_ms):
    return at_ms is not None and now_ms - at_ms <= longest_ms
