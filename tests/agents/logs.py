"""Logs of one partition for tests: records as a consumer hands them over, and random ones full of trouble."""

import json
import random
from dataclasses import dataclass

from hypothesis import strategies as st
from signing import commanded

from clinical.clock import TimeRules
from streams.contracts.command import COMMAND_KEY
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.seals import DEVELOPMENT, Place

START_MS = 1_600_000_000_000
PATIENTS = ("bed-1", "bed-2")
DEVICES = ("mon-a", "mon-b", "oxi-c")
"""A log has two of them, every third one all three."""
TTL_S = 120

HR = (None, 0, 400, 33, 45, 49, 50, 51, 52, 60, 80, 118, 119, 120, 121, 125, 141, 170)
SPO2 = (None, 101, 66, 79, 86, 87, 88, 89, 90, 91, 92, 93, 98)
PULSE = (None, 48, 55, 80, 118, 120, 125, 141)
TEMP = (None, 34.9, 36.0, 38.9, 39.0, 39.1)
BOUNDS = {
    "hr": (33, 49, 50, 51, 60, 119, 120, 121, 400),
    "spo2": (66, 79, 80, 85, 90, 91, 101),
    "pulse": (48, 80, 120, 125),
    "temp": (34.9, 36.0, 36.1, 39.0),
    "resp": (0, 4, 8),
}
COMPARATORS = ("<", "<", "<=", ">=", ">")
OTHERS = {"resp": 9, "abp_sys": 115, "consciousness": "A", "on_oxygen": False}


@dataclass(frozen=True, slots=True)
class Record:
    """What the decoder reads of a consumed record; times in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def frame(patient="bed-1", device="mon-a", seq=0, event_ms=START_MS, boot=0, **fields):
    """Return the value of a frame; other names are fields of the contract."""
    identity = {"patient": patient, "device": device, "boot": boot, "seq": seq, "event_ts_ms": event_ms}
    return json.dumps({**identity, **fields}).encode()


def frame_record(offset, append_ms=START_MS, patient="bed-1", **fields):
    return Record(offset, append_ms, patient.encode(), frame(patient=patient, **fields))


def tick_record(offset, tick_ms):
    return Record(offset, tick_ms, TICK_KEY, encode_tick(tick_ms))


def order_record(offset, append_ms, order, seals=DEVELOPMENT, place=None):
    """Return a command as the commands agent puts it into the readings; `order` is its JSON or what that says."""
    return Record(
        offset, append_ms, COMMAND_KEY, sealed(COMMAND_KEY, order, place or Place(0, offset), seals)
    )


def sealed(key, said, place=None, seals=DEVELOPMENT):
    """Return the value of a record as a worker seals it; `said` is its JSON or what that says.

    A command is by who it says, a nurse of every ward, unless it already comes with its person.
    """
    content = said if isinstance(said, bytes) else json.dumps(said).encode()
    return seals.seal(key, place or Place(0, 0), commanded(content) if key == COMMAND_KEY else content)


def seconds(rates, signal="hr", patient="bed-1", start_s=0):
    """Return one frame a second with these readings, in the recorded time base from 0 s."""
    return [
        frame_record(i, s * 1000, patient, seq=s, event_ms=s * 1000, **{signal: rate})
        for i, (s, rate) in enumerate(enumerate(rates, start_s))
    ]


STEPS_S = (0, 1, 1, 1, 2, 2, 5, 9, 16, 40)
LATE_S = (0, 0, 0, 0, 0, 1, 2, 20, 90)
TICKS_LATE_S = (0, 0, 0, 1, 5)


def readings(rng):
    """Return the signals of one frame: values around the limits, none, impossible ones."""
    signals = {}
    for name, choices, share in (
        ("hr", HR, 0.8),
        ("spo2", SPO2, 0.5),
        ("temp", TEMP, 0.2),
        ("pulse", PULSE, 0.4),
    ):
        if rng.random() < share:
            signals[name] = rng.choice(choices)
    signals = {**OTHERS, **signals} if rng.random() < 0.3 else signals
    return with_bounds(rng, signals) if rng.random() < 0.15 else signals


def with_bounds(rng, signals, bounds=BOUNDS):
    """Return signals of which some are not values but bounds around the limits."""
    said = {
        name: {"comparator": rng.choice(COMPARATORS), "value": rng.choice(values)}
        for name, values in bounds.items()
        if rng.random() < 0.5
    }
    kept = {name: None if name in said else value for name, value in signals.items()}
    return {**kept, "bounds": said}


def happenings(rng, length, late_s=LATE_S, ticks_late_s=TICKS_LATE_S, steps_s=STEPS_S):
    """Return random happenings of a ward, each a tuple that `build` reads; times in s."""
    found = []
    devices = devices_of(rng)
    kinds = ("frame", "tick", "again", "reboot", "recount", "held", "junk")
    for kind in rng.choices(kinds, (70, 18, 8, 1, 1, 3, 3), k=length):
        if kind == "frame":
            interval_ms = rng.choice((1000, 1000, 1000, 1000, 30_000))
            who = rng.choice(PATIENTS), rng.choice(devices)
            found.append((kind, rng.choice(steps_s), *who, rng.choice(late_s), readings(rng), interval_ms))
        elif kind == "tick":
            found.append((kind, rng.choice(steps_s), rng.choice(ticks_late_s)))
        elif kind == "again":
            found.append((kind, rng.randrange(1000)))
        elif kind in ("reboot", "recount"):
            found.append((kind, rng.choice(PATIENTS), rng.choice(devices)))
        elif kind == "held":
            found.append((kind, rng.randrange(1, 4)))
        else:
            found.append((kind,))
    return found


def devices_of(rng):
    """Return the devices of a log: three in every third one."""
    return DEVICES if rng.random() < 1 / 3 else DEVICES[:2]


def build(found, clocks_s=(0, 0, 0), again_s_max=10**6):
    """Turn happenings into a log.

    Args:
        found: what `happenings` returned.
        clocks_s: by how much each of `DEVICES` is ahead of the broker, s.
        again_s_max: no frame older than this is sent again, s; whoever was dropped meanwhile is a new patient.
    """
    log, values, seq, boots = [], [], {}, {}
    held, wanted = [], 0
    now = START_MS
    for kind, *rest in found:
        offset = 2 * len(log)  # offsets of a compacted or transactional log have gaps
        if kind == "frame":
            step_s, patient, device, late_s, signals, interval_ms = rest
            now += round(step_s * 1000)
            boot = boots.get((patient, device), 0)
            number = seq.get((patient, device, boot), 0)
            seq[patient, device, boot] = number + 1
            event_ms = now - late_s * 1000 + clocks_s[DEVICES.index(device)] * 1000
            value = frame(patient, device, number, event_ms, boot, interval_ms=interval_ms, **signals)
            values.append((patient, value, event_ms))
            if wanted:  # overtaken by what comes next
                held.append((patient, value))
                wanted -= 1
                continue
            log.append(Record(offset, now, patient.encode(), value))
            for late, before in held:
                log.append(Record(2 * len(log), now, late.encode(), before))
            held.clear()
        elif kind == "held":
            wanted = rest[0]
        elif kind == "again":
            young = [value for value in values if now - value[2] <= again_s_max * 1000]
            if not young:
                continue
            patient, value, _ = young[rest[0] % len(young)]
            log.append(Record(offset, now, patient.encode(), value))
        elif kind == "tick":
            now += round(rest[0] * 1000)
            log.append(tick_record(offset, now - rest[1] * 1000))
        elif kind == "reboot":
            boots[tuple(rest)] = 1
        elif kind == "recount":  # the count begins again without a new boot
            seq[(*rest, boots.get(tuple(rest), 0))] = 0
        elif kind == "junk":
            log.append(Record(offset, now, b"bed-1", b'{"patient": "bed-1"'))
    return log


CLOCKS_S = ((0, 0, 0), (0, 0, 0), (0, 100, 0), (-600, 0, -3600), (7, -61, -30))
"""By how much the clocks of devices are ahead of the broker's, s."""


@st.composite
def worlds(draw, **choices):
    """Return the time rules and a log: a recording has no wrong clocks and nothing older than `TTL_S`.

    The log hangs on a seed and a length only: a failing one is made small by its length.
    """
    rng = random.Random(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(1, 150))
    if draw(st.booleans()):
        return TimeRules(recorded=True), build(happenings(rng, length, **choices), again_s_max=TTL_S - 20)
    buffered = {"late_s": (*LATE_S, 1000), **choices}
    return TimeRules(), build(happenings(rng, length, **buffered), rng.choice(CLOCKS_S))


accidents = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 150), st.just("cut"), st.just(0)),
        st.tuples(st.integers(0, 150), st.just("checkpoint"), st.just(0)),
        st.tuples(st.integers(0, 150), st.just("checkpoint"), st.just(0)),
        st.tuples(st.integers(0, 150), st.just("restart"), st.just(0)),
        st.tuples(st.integers(0, 150), st.just("torn"), st.integers(0, 4)),
    ),
    min_size=1,
    max_size=12,
)
"""What befalls a worker, and where in its log (`worker_model.WorkerModel.work`)."""
