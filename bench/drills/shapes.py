"""What the devices of a drill do: as planned, or with trouble of their own. A shape turns a ward into due records."""

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bench.drills.ward import Bed, Due, Ward, frames_of
from streams.contracts.frame import FRAME_BYTES_MAX, TICK_KEY

BAD_ONE_IN: Final = 9
"""One malformed record to so many good ones: 10 % of all."""

HUGE_BYTES: Final = 700_000
HUGE_ONE_IN: Final = 100
COPIES: Final = 3
DISORDER_S_MAX: Final = 60.0
COPY_S_MAX: Final = 5.0
TROUBLED_SHARE: Final = 0.2
"""Of the beds, for each kind of disorder: delayed frames, late frames, a wrong clock, a clock that steps."""

LATE_S: Final = (90.0, 1800.0)
FUTURE_MS: Final = 3_600_000
STEP_MS: Final = 300_000

TROUBLE_FROM, TROUBLE_TO = 1 / 3, 2 / 3
"""When the trouble of `hot` and `reconnect` begins and must have ended, as shares of the load's time."""

HOT_NAME: Final = "hot-0"
HOT_TIMES: Final = 500
BACK_NAME: Final = "back-"
BACKLOG_S: Final = 600.0
BACKLOG_TIMES: Final = 10.0


Wanted = Callable[[float], bool]
"""Whether trouble is wanted at a time, s of the load."""

POISON, DISORDER, HOT = "poison", "disorder", "hot-patient"
"""What of `LoadPlan.troubles` has these names is played by the shape `troubled`."""


def plain(ward: Ward) -> Iterator[Due]:
    """Every device sends on time."""
    plan = ward.plan
    return heapq.merge(frames_of(ward.beds, plan), frames_of(ward.canaries, plan), key=lambda due: due.due_s)


def poison(ward: Ward) -> Iterator[Due]:
    """One record in ten is malformed, each kind in turn, at the place of a good one's neighbour."""
    return _poisoned(plain(ward), ward.plan.seed, _always)


def _poisoned(source: Iterator[Due], seed: int, wanted: Wanted) -> Iterator[Due]:
    rng = random.Random(seed)
    number = 0
    for due in source:
        yield due
        if not wanted(due.due_s):
            continue
        if rng.random() < 1 / BAD_ONE_IN and due.key is not None and due.value is not None:
            key, value = _BAD[number % len(_BAD)](due.key, due.value)
            if number % HUGE_ONE_IN == 0:
                key, value = due.key, b" " * HUGE_BYTES
            yield Due(due.due_s, due.partition, key, value)
            number += 1


_BAD: Final[tuple[Callable[[bytes, bytes], tuple[bytes | None, bytes | None]], ...]] = (
    lambda key, value: (None, value),
    lambda key, value: (key, None),
    lambda key, value: (key, b""),
    lambda key, value: (key, value + b" " * FRAME_BYTES_MAX),
    lambda key, value: (key, value[: len(value) // 2]),
    lambda key, value: (key, b"\xff\xfe" + value),
    lambda key, value: (key, b"[" * 2_000),
    lambda key, value: (key, value[:-1] + b',"note":1}'),
    lambda key, value: (key, value.replace(b'"seq":', b'"seq":-')),
    lambda key, value: (key, value.replace(b'"seq":', b'"seqno":')),
    lambda key, value: (key, value.replace(b'"hr":', b'"hr":1e9,"hr":')),
    lambda key, value: (key, value.replace(b'"resp":', b'"temp":1e9,"resp":')),
    lambda key, value: (key, value.replace(b'"resp":', b'"temp":NaN,"resp":')),
    lambda key, value: (key, value.replace(b'"device":"', b'"device":"~')),
    lambda key, value: (b"another-bed", value),
    lambda key, value: (TICK_KEY, b'{"tick_ts_ms":"soon"}'),
)


def disorder(ward: Ward) -> Iterator[Due]:
    """Every frame comes three times; some late by up to a minute, some by half an hour, some with a wrong clock."""
    return _disordered(ward, _always)


def _disordered(ward: Ward, wanted: Wanted) -> Iterator[Due]:
    rng = random.Random(ward.plan.seed)
    kinds = {bed.key: rng.choices(_KINDS, _WEIGHTS)[0] for bed in ward.beds}
    for bed in ward.beds:
        if kinds[bed.key] == "future" and wanted(0.0):
            bed.clock_ms = FUTURE_MS
    waiting: list[Due] = []
    for due in heapq.merge(_stepping(ward, kinds, wanted), frames_of(ward.canaries, ward.plan), key=_due_s):
        while waiting and waiting[0].due_s <= due.due_s:
            yield heapq.heappop(waiting)
        kind = kinds.get(due.key or b"") if wanted(due.due_s) else None
        first_s = due.due_s
        if kind == "delayed" and rng.random() < TROUBLED_SHARE:
            first_s += rng.uniform(0.0, min(DISORDER_S_MAX, ward.plan.seconds / 2))
        for copy in range(COPIES if wanted(due.due_s) else 1):
            moved = first_s + (rng.uniform(0.0, COPY_S_MAX) if copy else 0.0)
            heapq.heappush(waiting, due._replace(due_s=moved))
    while waiting and waiting[0].due_s < ward.plan.seconds:
        yield heapq.heappop(waiting)


_KINDS: Final = ("good", "delayed", "late", "future", "step")
_WEIGHTS: Final = (1 - 4 * TROUBLED_SHARE, *[TROUBLED_SHARE] * 4)


def _stepping(ward: Ward, kinds: dict[bytes, str], wanted: Wanted) -> Iterator[Due]:
    """Yield the beds' frames while their clocks step, and for a late bed some that it had held back.

    Outside the wanted times clocks are right again, from the second frame on.
    """
    plan = ward.plan
    rng = random.Random(plan.seed + 1)
    by_key = {bed.key: bed for bed in ward.beds}
    held = 0
    for due in frames_of(ward.beds, plan):
        key = due.key or b""
        bed, kind = by_key[key], kinds[key]
        if not wanted(due.due_s):
            bed.clock_ms = 0
            yield due
            continue
        if kind == "future":
            bed.clock_ms = FUTURE_MS
        if kind == "step" and rng.random() < 1 / 20:
            bed.clock_ms = rng.choice((-STEP_MS, 0, STEP_MS))
        yield due
        if kind == "late" and rng.random() < 1 / 20:
            held += 1
            at_s = due.due_s - rng.uniform(*LATE_S)
            yield due._replace(value=bed.frame(plan.start_ms, at_s, held, boot=0))


def hot(ward: Ward) -> Iterator[Due]:
    """In the middle third one device sends at `HOT_TIMES` its rate."""
    seconds = ward.plan.seconds
    span = (seconds * TROUBLE_FROM, seconds * TROUBLE_TO)
    return heapq.merge(plain(ward), _hot_frames(ward, [span]), key=_due_s)


def _hot_frames(ward: Ward, spans: Sequence[tuple[float, float]]) -> Iterator[Due]:
    """Yield the frames of one device at `HOT_TIMES` its rate, which is switched on for each span."""
    plan = ward.plan
    bed = ward.add(HOT_NAME, 0.0)
    times = HOT_TIMES * 1000 / plan.interval_ms
    for boot, (first_s, last_s) in enumerate(spans, start=1):
        for seq in range(int((last_s - first_s) * times)):
            at_s = first_s + seq / times
            yield Due(at_s, bed.partition, bed.key, bed.frame(plan.start_ms, at_s, seq, boot))


def troubled(ward: Ward) -> Iterator[Due]:
    """Poison, disorder and a hot device, each in the times that the plan names, and else every device on time."""
    spans: dict[str, list[tuple[float, float]]] = {POISON: [], DISORDER: [], HOT: []}
    for name, from_s, to_s in ward.plan.troubles:
        spans[name].append((from_s, to_s))
    devices = _poisoned(_disordered(ward, _inside(spans[DISORDER])), ward.plan.seed, _inside(spans[POISON]))
    return heapq.merge(devices, _hot_frames(ward, spans[HOT]), key=_due_s)


def _inside(spans: Sequence[tuple[float, float]]) -> Wanted:
    return lambda at_s: any(from_s <= at_s < to_s for from_s, to_s in spans)


def _always(_: float) -> bool:
    return True


def reconnect(ward: Ward) -> Iterator[Due]:
    """As many more devices as the ward has come back at once, each with `BACKLOG_S` of frames held back.

    Each delivers them in order at `BACKLOG_TIMES` the pace at which it measured, until it has caught up.
    """
    beds = [ward.add(f"{BACK_NAME}{n:05d}", bed.phase_s) for n, bed in enumerate(ward.beds)]
    return heapq.merge(plain(ward), _held_back(ward, beds), key=_due_s)


def _held_back(ward: Ward, beds: list[Bed]) -> Iterator[Due]:
    plan, interval_s = ward.plan, ward.plan.interval_ms / 1000
    back_s = plan.seconds * TROUBLE_FROM
    oldest_s = back_s - BACKLOG_S
    keys = [bed.key for bed in beds]
    seq = 0
    while (since_s := oldest_s + seq * interval_s) < plan.seconds:
        for key, bed in zip(keys, beds, strict=True):
            at_s = since_s + bed.phase_s
            due_s = max(at_s, back_s + (at_s - oldest_s) / BACKLOG_TIMES)
            if due_s < plan.seconds:
                yield Due(due_s, bed.partition, key, bed.frame(plan.start_ms, at_s, seq))
        seq += 1


def _due_s(due: Due) -> float:
    return due.due_s


SHAPES: Final[dict[str, Callable[[Ward], Iterator[Due]]]] = {
    "plain": plain,
    "poison": poison,
    "disorder": disorder,
    "hot": hot,
    "reconnect": reconnect,
    "troubled": troubled,
}
