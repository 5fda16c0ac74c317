"""The simulated ward of a drill: which frame each device sends at which moment, all of it planned from a seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from aiokafka.partitioner import DefaultPartitioner

SICK_SHARE: Final = 0.05
"""Patients who cross a limit in each stretch of `STRETCH_S`, at planned times."""

SILENT_SHARE: Final = 0.01
STRETCH_S: Final = 60.0
SICK_S: Final = (12.0, 30.0)
SILENT_S: Final = (14.0, 25.0)
CANARY_INTERVAL_MS: Final = 500
"""One patient a partition whose every second frame is beyond a limit: an alert a frame, so that gaps show."""

RULES: Final = """
[[rule]]
id = "canary"
signal = "hr"
high = 190
delay_s = 0
priority = "high"

[[rule]]
id = "hr-high"
signal = "hr"
high = 120
delay_s = 3
clear_margin = 2
clear_delay_s = 3
priority = "high"

[[rule]]
id = "spo2-low"
signal = "spo2"
low = 90
delay_s = 6
clear_margin = 1
clear_delay_s = 3

[technical]
silent_device_s = 10
signal_loss_s = 12
"""
"""Short delays, so that many alarms begin and end in a short drill."""

_FIELDS: Final = b'"hr":%d,"pulse":%d,"spo2":%s,"resp":%d,"abp_sys":%d,"abp_dia":%d,"abp_mean":%d}'


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What the loader does, handed to its process as JSON. `rate` in frames/s over all patients."""

    brokers: str
    topic: str
    partitions: int
    seconds: float
    rate: float
    patients: int
    seed: int
    start_ms: int
    shape: str = "plain"
    troubles: Sequence[tuple[str, float, float]] = ()
    """For the shape `troubled`: which trouble (`shapes`), from and to, s of the load."""

    @property
    def interval_ms(self) -> int:
        """Time between two frames of one patient, ms."""
        return max(1, round(1000 * self.patients / self.rate))


class Due(NamedTuple):
    """One record and when it is to be sent, s after the load's start."""

    due_s: float
    partition: int
    key: bytes | None
    value: bytes | None


@dataclass(slots=True)
class Bed:
    """One patient with one device; spans are (from, to) in s of the load."""

    name: str
    partition: int
    interval_ms: int
    phase_s: float
    canary: bool = False
    sick: list[tuple[float, float, bytes]] = field(default_factory=list)
    silent: list[tuple[float, float]] = field(default_factory=list)
    clock_ms: int = 0
    """How far the device's clock is ahead."""

    @property
    def key(self) -> bytes:
        """The record's key."""
        return self.name.encode()

    def readings(self, at_s: float, seq: int) -> bytes:
        """Return the fields of the frame measured at `at_s`, the closing brace included."""
        wobble = (seq * 7 + len(self.sick)) % 5
        if self.canary:
            return _FIELDS % (200 if seq % 2 else 80, 80, b"97", 16, 120, 75, 90)
        for start_s, end_s, kind in self.sick:
            if start_s <= at_s < end_s:
                if kind == b"fast":
                    return _FIELDS % (140 + wobble, 140 + wobble, b"97", 22, 110, 70, 83)
                spo2 = b"%d" % (82 + wobble) if kind == b"low" else b"null"
                return _FIELDS % (88 + wobble, 88 + wobble, spo2, 20, 118, 75, 90)
        return _FIELDS % (72 + wobble, 72 + wobble, b"97", 14 + wobble, 118 + wobble, 75, 90)

    def frame(self, start_ms: int, at_s: float, seq: int, boot: int = 1) -> bytes:
        """Return the value of the frame measured `at_s` after `start_ms`."""
        head = b'{"patient":"%s","device":"mon-%s","boot":%d,"seq":%d,"event_ts_ms":%d,"interval_ms":%d,' % (
            self.key,
            self.key,
            boot,
            seq,
            start_ms + round(at_s * 1000) + self.clock_ms,
            self.interval_ms,
        )
        return head + self.readings(at_s, seq)

    def sends_at(self, at_s: float) -> bool:
        """Whether the device is on."""
        return not any(start_s <= at_s < end_s for start_s, end_s in self.silent)


class Ward:
    """All beds of a plan; the same plan gives the same ward."""

    def __init__(self, plan: LoadPlan) -> None:
        self.plan = plan
        self._partition_of = DefaultPartitioner()
        self._partitions = list(range(plan.partitions))
        rng = random.Random(plan.seed)
        self.beds = [
            self._bed(f"bed-{n:05d}", n * plan.interval_ms / 1000 / plan.patients, rng)
            for n in range(plan.patients)
        ]
        self.canaries = self._canaries()

    def partition_of(self, key: bytes) -> int:
        """Return the partition of a key, by the hash that Kafka's clients use."""
        return int(self._partition_of(key, self._partitions, self._partitions))

    def add(self, name: str, phase_s: float) -> Bed:
        """Return a healthy bed of this ward's interval that is not among `beds`."""
        return Bed(name, self.partition_of(name.encode()), self.plan.interval_ms, phase_s)

    def _bed(self, name: str, phase_s: float, rng: random.Random) -> Bed:
        bed = self.add(name, phase_s)
        for stretch in range(int(self.plan.seconds // STRETCH_S) + 1):
            begin_s = stretch * STRETCH_S
            room_s = min(STRETCH_S, max(1.0, self.plan.seconds - begin_s))
            chance = rng.random()
            if chance < SICK_SHARE:
                kind = rng.choice((b"fast", b"fast", b"low", b"low", b"lost"))
                start_s = begin_s + rng.uniform(0.0, 0.7) * room_s
                bed.sick.append((start_s, start_s + rng.uniform(*SICK_S), kind))
            elif chance < SICK_SHARE + SILENT_SHARE:
                start_s = begin_s + rng.uniform(0.1, 0.6) * room_s
                bed.silent.append((start_s, start_s + rng.uniform(*SILENT_S)))
        return bed

    def _canaries(self) -> list[Bed]:
        """Return one canary for each partition, found by trying names."""
        found: dict[int, Bed] = {}
        number = 0
        while len(found) < self.plan.partitions:
            bed = self.add(f"canary-{number}", 0.0)
            if bed.partition not in found:
                phase_s = bed.partition / self.plan.partitions * CANARY_INTERVAL_MS / 1000
                found[bed.partition] = replace(
                    bed, canary=True, interval_ms=CANARY_INTERVAL_MS, phase_s=phase_s
                )
            number += 1
        return [found[partition] for partition in sorted(found)]


def frames_of(beds: list[Bed], plan: LoadPlan) -> Iterator[Due]:
    """Yield the frames of beds that share one interval, in the order of time; `beds` in the order of phase."""
    if not beds:
        return
    interval_s = beds[0].interval_ms / 1000
    keys = [bed.key for bed in beds]
    seq = 0
    while seq * interval_s < plan.seconds:
        for key, bed in zip(keys, beds, strict=True):
            at_s = seq * interval_s + bed.phase_s
            if at_s < plan.seconds and bed.sends_at(at_s):
                yield Due(at_s, bed.partition, key, bed.frame(plan.start_ms, at_s, seq))
        seq += 1
