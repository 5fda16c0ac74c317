"""Random logs of a ward in which patients are well, ill, badly measured, babbled about or not heard for a while."""

import random

from hypothesis import strategies as st
from logs import CLOCKS_S, DEVICES, LATE_S, TICKS_LATE_S, TTL_S, build, devices_of

from clinical.clock import TimeRules

PATIENTS = ("bed-1", "bed-2", "bed-3", "bed-4", "bed-5", "bed-6")

WELL = {
    "hr": 80,
    "pulse": 80,
    "spo2": 97,
    "resp": 16,
    "abp_sys": 120,
    "on_oxygen": False,
    "consciousness": "A",
}
ILL = {"hr": 141, "pulse": 135, "spo2": 84, "resp": 26, "abp_sys": 88, "consciousness": "V", "temp": 39.1}
MOODS = (
    WELL,
    {**WELL, "nbp_sys": 118, "temp": 37.0, "fio2": 21},
    {**WELL, "resp": 22, "spo2": 93, "pulse": 95, "hr": 125},
    ILL,
    {**ILL, "spo2": 91, "hr": 130, "temp": 38.5, "on_oxygen": True},
    {**WELL, "hr": 80, "pulse": 101},
    {"hr": 80},
    {"hr": None, "spo2": None, "pulse": 0},
    {"resp": 14},
    {"hr": 200, "pulse": 200, "resp": 95, "spo2": 85, "nbp_sys": 40},
    {},
)
"""What the frames of a patient carry until the mood changes."""

SLOPES = (-2, -1, 0, 0, 0, 1, 2)
"""By how much heart rate and pulse change from frame to frame, the saturation a quarter of it the other way."""

STEPS_S = (0, 1, 1, 2, 5, 5, 5, 9, 10, 15)
EDGES_S = (5, 10, 15, 20, 30, 60, 60, 120, 300, 600, 3660)
"""How long after a patient's last frame, or the last one of another mood, something is judged otherwise. Many ticks
fall there, or 1 ms before it."""

BABBLED = 62
"""Frames of one burst: over 60 in a half-minute are babbling."""


class Ward:
    """Invents what happens to patients, one happening after the other; times in s."""

    def __init__(self, rng, patients, late_s, steps_s=STEPS_S, edges_s=EDGES_S, moods=MOODS, gateway=0.0):
        """`gateway` is how often, when something changes, half or most of the patients come or go together."""
        self.rng, self.patients, self.late_s, self.steps_s = rng, patients, late_s, steps_s
        self.edges_s, self.moods, self.gateway = edges_s, moods, gateway
        self.now_s, self.away = 0.0, set()
        self.heard_s, self.changed_s = dict.fromkeys(patients, 0.0), dict.fromkeys(patients, 0.0)
        self.devices = devices_of(rng)
        self.mood = {patient: rng.choice(moods) for patient in patients}
        self.slope = {patient: rng.choice(SLOPES) for patient in patients}
        self.way = dict.fromkeys(patients, 0)
        self.bursts = rng.choice((0, 0, 0, 0, 4))
        self.interval_ms = dict.fromkeys(patients, rng.choice((1000, 1000, 30_000)))

    def next(self, kind):
        """Return happenings as `logs.build` reads them."""
        patient = self.rng.choice(self.patients)
        if kind == "change":
            return self.change(patient)
        if kind == "frame" and self.bursts and self.rng.random() < 0.2:
            self.bursts -= 1
            return self.burst()
        if kind == "frame" and patient not in self.away:
            step_s = self.rng.choice(self.steps_s)
            self.now_s += step_s
            self.heard_s[patient] = self.now_s
            device, late = self.rng.choice((DEVICES[0], *self.devices)), self.rng.choice(self.late_s)
            signals = a_little_different(self.rng, self.further(patient))
            return [(kind, step_s, patient, device, late, signals, self.interval_ms[patient])]
        if kind == "again":
            return [(kind, self.rng.randrange(1000))]
        if kind in ("reboot", "recount"):
            return [(kind, patient, self.rng.choice(self.devices))]
        if kind == "held":
            return [(kind, self.rng.randrange(1, 4))]
        return [(kind,)] if kind == "junk" else [self.tick(patient)]

    def tick(self, patient):
        base_s = self.rng.choice((self.heard_s, self.changed_s))[patient]
        edge_s = base_s + self.rng.choice(self.edges_s) - self.rng.choice((0, 0, 0.001))
        if edge_s >= self.now_s and self.rng.random() < 0.5:
            step_s, late_s = edge_s - self.now_s, 0
        else:
            step_s, late_s = self.rng.choice(self.steps_s), self.rng.choice(TICKS_LATE_S)
        self.now_s += step_s
        return "tick", step_s, late_s

    def further(self, patient):
        """Return the signals of the patient's mood, heart rate and saturation on their way."""
        signals = dict(self.mood[patient])
        self.way[patient] += self.slope[patient]
        for name, by in (
            ("hr", self.way[patient]),
            ("pulse", self.way[patient]),
            ("spo2", -self.way[patient] / 4),
        ):
            if signals.get(name):
                signals[name] = round(min(max(signals[name] + by, 30), 100 if name == "spo2" else 250))
        return signals

    def burst(self):
        """Return what a babbling device sends in a moment."""
        who, fast = (self.patients[0], DEVICES[0]), {"hr": self.rng.choice((80, 130)), "apnoea": False}
        self.heard_s[self.patients[0]] = self.now_s
        sent = [("frame", 0, *who, 0, fast, 30_000)] * BABBLED
        sent[self.rng.randrange(BABBLED)] = ("frame", 0, *who, 0, {**fast, "apnoea": True}, 30_000)
        return sent

    def change(self, patient):
        self.changed_s[patient] = self.heard_s[patient]
        if self.rng.random() < self.gateway:
            count = self.rng.choice((len(self.patients) // 2, len(self.patients) - 1))
            self.away = set() if self.away else {*self.rng.sample(self.patients, count)}
            return []
        self.away ^= {patient} if self.rng.random() < 0.3 else set()
        self.mood[patient], self.slope[patient] = self.rng.choice(self.moods), self.rng.choice(SLOPES)
        self.interval_ms[patient] = self.rng.choice((1000, 1000, 1000, 5000, 30_000))
        return []


def moody(rng, length, patients, late_s=LATE_S, **choices):
    """Return random happenings that `build` reads."""
    ward = Ward(rng, patients, late_s, **choices)
    kinds = rng.choices(
        ("frame", "tick", "change", "again", "reboot", "recount", "held", "junk"),
        (60, 24, 9, 5, 1, 1, 1, 1),
        k=length,
    )
    return [happening for kind in kinds for happening in ward.next(kind)]


def a_little_different(rng, signals):
    """Return the signals of one frame: some of them left out, without a reading or with an impossible one."""
    found = dict(signals)
    if rng.random() < 0.3 and found:
        name = rng.choice(sorted(found))
        if rng.random() < 0.5:
            del found[name]
        elif isinstance(found[name], int | float) and not isinstance(found[name], bool):
            found[name] = rng.choice((None, 0, 900, found[name] + 1, found[name] - 3))
    return found


class Log(list):
    """Records that Hypothesis shows by what they were made from: there may be hundreds."""

    made_from = ""

    def __repr__(self):
        return self.made_from


@st.composite
def moody_worlds(draw, patients=PATIENTS[:2], length_max=150, **choices):
    """Return the time rules and a log, as `logs.worlds` does."""
    seed, length = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, length_max))
    return moody_world(seed, length, draw(st.booleans()), patients, **choices)


def moody_world(seed, length, recorded, patients=PATIENTS[:2], **choices):
    """Return the world of a seed."""
    rng = random.Random(seed)
    clocks_s = (0, 0, 0) if recorded else rng.choice(CLOCKS_S)
    late_s = LATE_S if recorded else (*LATE_S, 1000)
    found = moody(rng, length, patients, **{"late_s": late_s, **choices})
    log = Log(build(found, clocks_s, TTL_S - 20 if recorded else 10**6))
    log.made_from = f"moody({seed=}, {length=}, {recorded=})"
    return TimeRules(recorded=recorded), log
