"""Frames in plain Python: which are new, whose clock counts, and what of their readings is remembered.

The time of a frame is when it was measured, unless its device's clock disagrees with the broker's; `arrival` is when
the broker took it, and in a recording the same as its time.
"""

from plain.beds import Device

from clinical.vitals import ACVPU, FLAGS, SIGNALS

AHEAD_MS = 5_000
HORIZON_MS = 60_000
PACE_MS = 500
SEEN = 128
"""A sequence number so far below the device's highest counts as seen."""

HALF_MINUTE_MS = 30_000
CHARTED = ("consciousness", *FLAGS)
"""What is charted or reported has no course over minutes."""


def take_frame(bed, frame, append_ms, recorded):
    """Remember a frame; return (time, arrival), or None for one that is no live reading."""
    device, event_ms = (frame["device"], frame["boot"]), frame["event_ts_ms"]
    seqs = bed.frames.setdefault(device, set())
    if frame["seq"] in seqs or frame["seq"] <= max(seqs, default=0) - SEEN:
        return None
    seqs.add(frame["seq"])
    clock = "live" if recorded else clock_of(event_ms, append_ms, bed.devices.get(device))
    bed.devices[device] = Device(event_ms, append_ms, clock)
    time_ms = append_ms if clock == "suspect" else event_ms
    arrival_ms = event_ms if recorded else append_ms
    bed.heard_ms = arrival_ms if bed.heard_ms is None else max(bed.heard_ms, arrival_ms)
    bed.interval_ms = frame["interval_ms"]
    for signal in SIGNALS:
        value = reading(signal, frame)
        if value is not None and signal.name not in CHARTED:
            half_minute = time_ms // HALF_MINUTE_MS
            bed.half_minutes.setdefault((signal.name, half_minute), []).append(round(value * 100))
    return None if clock == "held-back" else (time_ms, arrival_ms)


def clock_of(event_ms, append_ms, before):
    """Tell a device whose clock is wrong, which keeps its pace, from one that delivers what it held back."""
    if append_ms - event_ms < -AHEAD_MS:
        return "suspect"
    if append_ms - event_ms <= HORIZON_MS:
        return "live"
    if before is None:
        return "held-back"
    measured, delivered = event_ms - before.event_ms, append_ms - before.append_ms
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


def take_samples(bed, frame, time_ms, arrival_ms):
    """Yield (signal, value or None, value and time of the sample before) of every sample that is judged.

    What is older than the newest sample of the signal is not.
    """
    for signal in SIGNALS:
        name = signal.name
        if name not in frame or time_ms < bed.newest.get(name, 0):
            continue
        value = reading(signal, frame)
        before = bed.value.get(name), bed.newest.get(name)
        bed.newest[name] = time_ms
        if value is None:
            bed.lost_ms.setdefault(name, arrival_ms)
        else:
            bed.value[name], bed.value_ms[name] = value, arrival_ms
            bed.lost_ms.pop(name, None)
        yield signal, value, before


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
