"""Logs of one partition for tests: records as a consumer hands them over, and random ones full of trouble."""

import json
from dataclasses import dataclass

from hypothesis import strategies as st

from clinical.clock import TimeRules
from clinical.rules import LimitRule, News2Rules, RuleSet, TechnicalRules
from streams.frames import TICK_KEY, encode_tick

START_MS = 1_600_000_000_000
PATIENTS = ("bed-1", "bed-2", "bed-3")
DEVICES = ("mon-a", "mon-b")
TTL_S = 120

HR = (None, 0, 400, 45, 49, 50, 51, 52, 60, 80, 118, 119, 120, 121, 125, 141)
SPO2 = (None, 101, 79, 86, 87, 88, 89, 90, 91, 92, 93, 98)
TEMP = (None, 34.9, 36.0, 38.9, 39.0, 39.1)
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


def seconds(rates, signal="hr", patient="bed-1", start_s=0):
    """Return one frame a second with these readings, in the recorded time base from 0 s."""
    return [
        frame_record(i, s * 1000, patient, seq=s, event_ms=s * 1000, **{signal: rate})
        for i, (s, rate) in enumerate(enumerate(rates, start_s))
    ]


def readings():
    whole = st.fixed_dictionaries(
        {}, optional={"hr": st.sampled_from(HR), "spo2": st.sampled_from(SPO2), "temp": st.sampled_from(TEMP)}
    )
    scored = whole.map(lambda some: {**OTHERS, **some})
    return st.one_of(whole, whole, scored)


def events(late_s, tick_late_s, steps_s):
    """Random happenings of a ward, each a tuple that `build` reads; times in s."""
    sent = st.tuples(
        st.just("frame"),
        st.sampled_from(steps_s),
        st.sampled_from(PATIENTS),
        st.sampled_from(DEVICES),
        st.sampled_from(late_s),
        readings(),
        st.sampled_from((1000, 1000, 1000, 30_000)),
    )
    again = st.tuples(st.just("again"), st.integers(0, 200))
    tick = st.tuples(st.just("tick"), st.sampled_from(steps_s), st.sampled_from(tick_late_s))
    reboot = st.tuples(st.just("reboot"), st.sampled_from(PATIENTS), st.sampled_from(DEVICES))
    junk = st.tuples(st.just("junk"))
    return st.lists(
        st.one_of(sent, sent, sent, sent, tick, tick, again, reboot, junk), min_size=1, max_size=70
    )


def build(happenings, clocks_s=(0, 0), again_s_max=10**6):
    """Turn happenings into a log.

    Args:
        happenings: what `events` drew.
        clocks_s: by how much each of `DEVICES` is ahead of the broker, s.
        again_s_max: no frame older than this is sent again, s; whoever was dropped meanwhile is a new patient.
    """
    log, values, seq, boots = [], [], {}, {}
    now = START_MS
    for kind, *rest in happenings:
        offset = 2 * len(log)  # offsets of a compacted or transactional log have gaps
        if kind == "frame":
            step_s, patient, device, late_s, signals, interval_ms = rest
            now += step_s * 1000
            boot = boots.get((patient, device), 0)
            number = seq.get((patient, device, boot), 0)
            seq[patient, device, boot] = number + 1
            event_ms = now - late_s * 1000 + clocks_s[DEVICES.index(device)] * 1000
            value = frame(patient, device, number, event_ms, boot, interval_ms=interval_ms, **signals)
            values.append((patient, value, event_ms))
            log.append(Record(offset, now, patient.encode(), value))
        elif kind == "again":
            young = [value for value in values if now - value[2] <= again_s_max * 1000]
            if not young:
                continue
            patient, value, _ = young[rest[0] % len(young)]
            log.append(Record(offset, now, patient.encode(), value))
        elif kind == "tick":
            now += rest[0] * 1000
            log.append(tick_record(offset, now - rest[1] * 1000))
        elif kind == "reboot":
            boots[tuple(rest)] = 1
        elif kind == "junk":
            log.append(Record(offset, now, b"bed-1", b'{"patient": "bed-1"'))
    return log


@st.composite
def worlds(
    draw, tick_late_s=(0, 0, 0, 1, 5), late_s=(0, 0, 0, 0, 1, 20, 90), steps_s=(0, 1, 1, 2, 5, 9, 16, 40)
):
    """Return the time rules and a log: a recording has no wrong clocks and nothing older than `TTL_S`."""
    if draw(st.booleans()):
        return TimeRules(recorded=True), build(
            draw(events(late_s, tick_late_s, steps_s)), again_s_max=TTL_S - 20
        )
    clocks_s = draw(st.sampled_from(((0, 0), (0, 100), (-600, 0), (7, -61))))
    buffered = (*late_s, 1000) if max(late_s) else late_s
    return TimeRules(), build(draw(events(buffered, tick_late_s, steps_s)), clocks_s)


@st.composite
def rule_sets(draw, technical=True):
    """One to five limit rules, several of them on one signal, with short technical and score delays."""
    seconds_of = st.sampled_from((0, 1, 5, 10, 15))
    limits = []
    for i in range(draw(st.integers(1, 5))):
        signal, low, high = draw(
            st.sampled_from(
                (
                    ("hr", None, 120),
                    ("hr", 50, None),
                    ("hr", 50, 120),
                    ("spo2", 90, None),
                    ("spo2", 88, None),
                    ("temp", None, 39.0),
                )
            )
        )
        priority = draw(st.sampled_from(("low", "medium", "high")))
        margin = draw(st.sampled_from((0, 0, 1, 2)))
        limits.append(
            LimitRule(f"rule-{i}", signal, low, high, draw(seconds_of), margin, draw(seconds_of), priority)
        )
    return RuleSet(
        tuple(limits),
        TechnicalRules(silent_device_s=15, signal_loss_s=20, escalate_s=30, enabled=technical),
        News2Rules(enabled=technical, inputs_min=3, delay_s=5),
    )
