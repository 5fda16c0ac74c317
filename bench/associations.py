"""Whose frames are whose in the end: a hospital's day in memory, with late ADT, swaps of beds, an outage and restarts.

`python -m bench.associations --frames 1000000` files so many frames by gateways that know different things, files
them anew as more is learnt, and then asks of every frame whether it is on whom it belongs to, and nowhere else.
"""

import argparse
import random
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge.gateway.associations import Facts
from edge.gateway.filing import Filing
from edge.gateway.moves import Changes
from edge.gateway.refiler import VIEW_MS_MAX, Marks, Refiler
from streams.contracts.association import Association, Departure, Fact, Heard, Movement, Placement
from streams.contracts.frame import own_stream

START_MS: Final = 1_700_000_000_000
HOUR_MS: Final = 3_600_000
BOUND_MS: Final = 900_000
HEARD_EVERY_MS: Final = 60_000
OUTAGE_MS: Final = 2 * HOUR_MS
RESTART_SHARE: Final = 0.01
"""How often, of each look, somebody else takes the re-filing over."""

LATE_MS: Final = (0, 1_000, 5_000, 60_000, 600_000, 1_800_000)
"""How much later than it happened something is told."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that is told at `at_ms`."""

    at_ms: int
    fact: Fact


@dataclass(slots=True)
class Hospital:
    """What happens: beds with a monitor each, monitors that are carried around, patients who come, move and go."""

    rng: random.Random
    beds: int
    hours: float
    told: list[Told] = field(default_factory=list)
    where: dict[str, str] = field(default_factory=dict)
    number: int = 0

    @property
    def end_ms(self) -> int:
        """When the day is over."""
        return START_MS + round(self.hours * HOUR_MS)

    @property
    def devices(self) -> list[str]:
        """One of each bed, and one that is carried around for every four."""
        return [f"mon-{n}" for n in range(self.beds)] + [f"tele-{n}" for n in range(self.beds // 4)]

    def tell(self, fact: Fact, at_ms: int, late_ms: int | None = None) -> None:
        """Tell of something that happened, now or later."""
        self.told.append(Told(at_ms + (self.rng.choice(LATE_MS) if late_ms is None else late_ms), fact))

    def live(self) -> list[Told]:
        """Return what is told in the order in which it is, an outage of ADT in its midst."""
        for n in range(self.beds):
            self.tell(
                Placement(id="0", device=f"mon-{n}", place=f"bed-{n}", from_ts_ms=0, reporter="plan"), 0, 0
            )
        for _ in range(self.beds * 3 // 4):
            self.admit(START_MS - HOUR_MS)
        happens = sorted(
            self.rng.randrange(START_MS, self.end_ms) for _ in range(round(self.beds * self.hours))
        )
        for ms in happens:
            self.rng.choice(
                (self.admit, self.admit, self.move, self.swap, self.leave, self.carry, self.correct)
            )(ms)
        for ms in range(START_MS, self.end_ms, HEARD_EVERY_MS):
            self.tell(Heard(reporter="adt", event_ts_ms=ms), ms, 0)
        down = START_MS + self.rng.randrange(max(1, self.end_ms - START_MS - OUTAGE_MS // 2))
        up = down + OUTAGE_MS
        held = [
            Told(up + i, told.fact)
            if isinstance(told.fact, Movement | Heard) and down <= told.at_ms < up
            else told
            for i, told in enumerate(sorted(self.told, key=lambda told: told.at_ms))
        ]
        return sorted(held, key=lambda told: told.at_ms)

    def adt(self, what: str, ms: int, patient: str, place: str | None = None, **more: object) -> None:
        """Tell of a movement; the message's number rises."""
        self.number += 1
        said = {"id": str(self.number), "what": what, "patient": patient, "place": place, **more}
        self.tell(Movement.model_validate({**said, "event_ts_ms": ms, "reporter": "adt"}), ms)

    def admit(self, ms: int) -> None:
        """Somebody comes, now and then into a bed that ADT takes for somebody else's."""
        self.number += 1
        patient, bed = f"p-{self.number}", self.bed()
        self.adt("admit", ms, patient, bed)
        self.where[patient] = bed

    def bed(self) -> str:
        """Return a bed that is free, as far as there is one; now and then one that ADT takes for somebody's."""
        beds = [f"bed-{n}" for n in range(self.beds)]
        free = sorted(set(beds) - set(self.where.values()))
        return self.rng.choice(beds if not free or self.rng.random() < 0.05 else free)

    def someone(self) -> str | None:
        """Return anybody who is there."""
        return self.rng.choice(sorted(self.where)) if self.where else None

    def move(self, ms: int) -> None:
        """Somebody gets another bed; some transfers are taken back, some patients are merged."""
        patient = self.someone()
        if patient is None:
            return
        before, bed = self.where[patient], self.bed()
        self.adt("transfer", ms, patient, bed, prior_place=before)
        self.where[patient] = bed
        if self.rng.random() < 0.2:
            self.adt("cancel-transfer", ms + 120_000, patient, before, prior_place=bed)
            self.where[patient] = before
        elif self.rng.random() < 0.1:
            self.number += 1
            heir = f"p-{self.number}"
            self.adt("merge", ms + 60_000, heir, prior_patient=patient)
            self.where[heir] = self.where.pop(patient)

    def swap(self, ms: int) -> None:
        """Two patients change beds, told one after the other."""
        if len(self.where) < 2:
            return
        one, other = self.rng.sample(sorted(self.where), 2)
        self.where[one], self.where[other] = self.where[other], self.where[one]
        self.adt("transfer", ms, one, self.where[one], prior_place=self.where[other])
        self.adt("transfer", ms, other, self.where[other], prior_place=self.where[one])

    def leave(self, ms: int) -> None:
        """Somebody goes; some come back at once."""
        patient = self.someone()
        if patient is None:
            return
        self.adt("discharge", ms, patient)
        if self.rng.random() < 0.2:
            self.adt("cancel-discharge", ms + 300_000, patient, self.where[patient])
        else:
            del self.where[patient]

    def carry(self, ms: int) -> None:
        """A nurse puts a device on somebody, and takes it off later."""
        patient = self.someone()
        if patient is None:
            return
        device, until_ms = self.rng.choice(self.devices), ms + self.rng.randrange(60_000, HOUR_MS)
        self.number += 1
        said: dict[str, object] = {
            "id": f"r{self.number}",
            "device": device,
            "patient": patient,
            "reporter": "nurse",
            "source": "pcim",
        }
        said |= {"from_ts_ms": ms, "validated": self.rng.random() < 0.7}
        self.tell(Association.model_validate(said), ms)
        self.tell(Association.model_validate({**said, "until_ts_ms": until_ms}), until_ms + 1_800_000, 0)

    def correct(self, ms: int) -> None:
        """A nurse notices that it began earlier, on somebody else."""
        mine = [told.fact for told in self.told if isinstance(told.fact, Association)]
        patient = self.someone()
        if mine and patient:
            wrong = self.rng.choice(mine)
            begins = max(0, wrong.from_ts_ms - self.rng.randrange(600_000))
            self.tell(wrong.model_copy(update={"patient": patient, "from_ts_ms": begins}), ms, 0)


@dataclass(slots=True)
class MemoryReadings:
    """The log of readings in memory, a list a stream; a departure is a record of it."""

    streams: dict[str, list[tuple[int, bytes | Departure]]] = field(default_factory=lambda: defaultdict(list))
    now_ms: int = 0
    marked: Counter[str] = field(default_factory=Counter)

    def ends(self) -> Marks:
        """Return how long each stream is, which is a partition here, numbered by its hash."""
        return {hash(stream): len(log) for stream, log in self.streams.items()}

    def scan(
        self, streams: Sequence[str] | None, from_ms: int, marks: Marks, ends: Marks
    ) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Yield frames."""
        for stream in list(self.streams) if streams is None else streams:
            log = self.streams[stream]
            start = marks.get(hash(stream), -1)
            if start < 0:
                start = bisect_left(log, from_ms, key=lambda record: record[0])
            end = marks[hash(stream)] = ends.get(hash(stream), 0)
            for _, value in log[start:end]:
                if isinstance(value, bytes):
                    yield stream.encode(), value

    def copy(self, stream: str, value: bytes) -> None:
        """Write a frame."""
        self.streams[stream].append((self.now_ms, value))

    def depart(self, departure: Departure, cause: int) -> None:
        """Write a departure."""
        self.streams[departure.patient].append((self.now_ms, departure))

    def settle(self) -> None:
        """Everything is there at once."""


@dataclass(slots=True)
class Gateway:
    """One gateway: it knows the log of associations up to what its lag allows."""

    filing: Filing
    lag_ms: int
    known: int = 0


def view() -> Filing:
    """Return a view that knows nothing yet."""
    return Filing(Facts(BOUND_MS))


class World:
    """Plays a day: what is told, what devices send, who files it where."""

    def __init__(self, seed: int, frames: int, beds: int, hours: float, gateways: int = 3) -> None:
        self.rng = random.Random(seed)
        self.hospital = Hospital(self.rng, beds, hours)
        self.log: list[tuple[int, Fact]] = []
        self.readings = MemoryReadings()
        self.gateways = [Gateway(view(), self.rng.randrange(VIEW_MS_MAX)) for _ in range(gateways)]
        self.refiler = Refiler(Changes(view()), self.readings, 0)
        self.frames = frames
        self.restarts = self.copied = 0
        self.sent: Counter[str] = Counter()
        self._taken = 0

    def play(self) -> None:
        """Let the day pass, and the time after it until everything has settled."""
        told, due = self.hospital.live(), 0
        devices = self.hospital.devices
        step_ms = max(1, round((self.hospital.end_ms - START_MS) * len(devices) / self.frames))
        ms = START_MS
        while ms < self.hospital.end_ms or due < len(told):
            while due < len(told) and told[due].at_ms <= ms:
                self.log.append((told[due].at_ms, told[due].fact))
                due += 1
            self.refile(ms)
            if ms < self.hospital.end_ms:
                for device in devices:
                    self.send(device, ms)
            ms += step_ms
        for later_ms in (0, 100_000, 200_000):
            self.refile(ms + later_ms)

    def send(self, device: str, ms: int) -> None:
        """A device sends a frame to any gateway; now and then it kept it for a while."""
        event_ms = ms - (self.rng.randrange(600_000) if self.rng.random() < 0.01 else 0)
        gateway = self.rng.choice(self.gateways)
        while gateway.known < len(self.log) and self.log[gateway.known][0] <= ms - gateway.lag_ms:
            at_ms, fact = self.log[gateway.known]
            gateway.filing.apply(fact.key, fact, at_ms)
            gateway.known += 1
        stream = gateway.filing.patient_at(device, event_ms)
        seq = self.sent[device]
        self.sent[device] += 1
        said = b'{"patient":"%b","device":"%b","boot":0,"seq":%d,"event_ts_ms":%d}'
        value = said % (stream.encode(), device.encode(), seq, event_ms)
        self.readings.streams[stream].append((ms, value))

    def refile(self, now_ms: int) -> None:
        """Let the refiler work; now and then another one takes over from what is committed."""
        self.readings.now_ms = now_ms
        if self.rng.random() < RESTART_SHARE:
            self.restarts += 1
            self.copied += self.refiler.copied
            self.refiler, self._taken = Refiler(Changes(view()), self.readings, self.refiler.committed), 0
        self.catch_up()
        self.refiler.work(now_ms, self.catch_up)

    def catch_up(self) -> bool:
        """Have the refiler know all that was told."""
        while self._taken < len(self.log):
            at_ms, fact = self.log[self._taken]
            self.refiler.take(self._taken, fact.key, fact, at_ms)
            self._taken += 1
        return True

    def judge(self) -> "Outcome":
        """Return where every frame is in the end, by what is known in the end."""
        truth = view()
        for at_ms, fact in self.log:
            truth.apply(fact.key, fact, at_ms)
        on: dict[tuple[str, int], tuple[int, set[str]]] = {}
        for stream, records in self.readings.streams.items():
            for frame, event_ms in standing(records):
                on.setdefault(frame, (event_ms, set()))[1].add(stream)
        found = Outcome(
            sum(self.sent.values()), copied=self.copied + self.refiler.copied, restarts=self.restarts
        )
        for (device, _), (event_ms, streams) in on.items():
            belongs = truth.patient_at(device, event_ms)
            found.misfiled += bool(streams - {belongs})
            found.missing += belongs not in streams
            found.on_nobody += belongs == own_stream(device)
        found.missing += found.sent - len(on)
        return found


def standing(records: Sequence[tuple[int, bytes | Departure]]) -> Iterator[tuple[tuple[str, int], int]]:
    """Yield identity and time of the frames of a stream that no later departure has taken off it."""
    gone: dict[str, list[Departure]] = defaultdict(list)
    for _, record in reversed(records):
        if isinstance(record, Departure):
            gone[record.device].append(record)
            continue
        device, seq, event_ms = identity(record)
        if not any(
            left.from_ts_ms <= event_ms and (left.until_ts_ms is None or event_ms < left.until_ts_ms)
            for left in gone[device]
        ):
            yield (device, seq), event_ms


def identity(value: bytes) -> tuple[str, int, int]:
    """Return device, number and time of a frame of this world."""
    _, _, rest = value.partition(b'"device":"')
    device, _, rest = rest.partition(b'"')
    _, _, rest = rest.partition(b'"seq":')
    seq, _, rest = rest.partition(b',"event_ts_ms":')
    return device.decode(), int(seq), int(rest.split(b",")[0].rstrip(b"}"))


@dataclass(slots=True)
class Outcome:
    """What became of a day's frames."""

    sent: int
    misfiled: int = 0
    """On a stream that they do not belong to."""
    missing: int = 0
    """Not on the stream that they belong to."""
    on_nobody: int = 0
    copied: int = 0
    restarts: int = 0


def main() -> None:
    """Play a day and print what became of its frames; fail if one is where it does not belong."""
    parser = argparse.ArgumentParser(prog="python -m bench.associations", description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--beds", type=int, default=40)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started_s = time.perf_counter()
    world = World(given.seed, given.frames, given.beds, given.hours)
    world.play()
    outcome = world.judge()
    print(f"{outcome}, {len(world.log)} reports, {time.perf_counter() - started_s:.1f} s")
    if outcome.misfiled or outcome.missing:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
