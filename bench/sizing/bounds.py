"""What bounds a site, how much of each bound it takes, and at how many beds each would break: reckoned again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from annotated_types import Le

from agents.board_writer import REFRESHED_MAX
from bench.sizing import measured as known
from bench.sizing.reckoning import Plan, Site
from bench.sizing.topic_loads import kept_bytes
from edge.board.record_intake import COMMANDED_MAX
from streams.config.settings import Settings
from streams.contracts.topics import HEARTBEAT, PATIENTS

BOARD_START_S_MAX: Final = 60.0
"""A ward without its board for longer is told of; our choice."""

RECORD_BYTES_MAX: Final = 1_048_588.0
"""Kafka's default of `message.max.bytes`, which its own topic of groups follows."""

BEDS_MAX: Final = 100_000_000
"""Nothing is looked for beyond."""


class Bound(NamedTuple):
    """What may not be exceeded.

    Args:
        name: of what.
        need: how much of it a plan takes.
        limit: how much there is, reserve taken off.
        where: the place in the code or the measurement that sets it.
        beyond: what happens there, and what would move it.
    """

    name: str
    need: Callable[[Plan], float]
    limit: float
    where: str
    beyond: str


class Reached(NamedTuple):
    """How much of a bound a plan takes, and the most beds within it; None = more than `BEDS_MAX`."""

    bound: Bound
    share: float
    beds: int | None


def _rate(plan: Plan, topic: str) -> float:
    return next(load.records_s for load in plan.topics if load.name == topic)


def _board_start_s(plan: Plan) -> float:
    """Return how long a board reads before it shows anything, s, at the pace of `BOARD_S`."""
    load = next(load for load in plan.topics if load.name == PATIENTS)
    return kept_bytes(load, plan.number("partitions")) / load.bytes_s * load.records_s * known.BOARD_S.value


def _partitions_max() -> float:
    limits = (one.le for one in Settings.model_fields["partitions"].metadata if isinstance(one, Le))
    return float(str(next(limits)))


BOUNDS: Final = (
    Bound(
        "history, one process",
        lambda plan: plan.site.frames_hz * known.HISTORY_S.value,
        known.PROCESS_SHARE,
        f"edge/history: one process writes; {known.HISTORY_S.source}",
        "it falls behind, and readings leave the log after 7 days unkept; several writers, each of some partitions",
    ),
    Bound(
        "a board, one process",
        lambda plan: (_rate(plan, PATIENTS) + _rate(plan, HEARTBEAT)) * known.BOARD_S.value,
        known.PROCESS_SHARE,
        f"edge/board: each board reads every patient; {known.BOARD_S.source}",
        "pages show old values and say so; boards of some wards each, or a larger --board-age",
    ),
    Bound(
        "a board's start",
        lambda plan: _board_start_s(plan),
        BOARD_START_S_MAX,
        "streams/contracts/topics.py: the segment of vitals.patients that is written is never compacted",
        "a board that starts reads for longer before it shows anything; boards of some wards each",
    ),
    Bound(
        "the group's record",
        lambda plan: plan.figures["group record"].value,
        RECORD_BYTES_MAX,
        "Faust: each worker tells where every partition's state is; Kafka keeps it all in one record, at most 1 MiB",
        "the group cannot settle (reckoned, not tried); fewer, larger workers, or a larger message.max.bytes",
    ),
    Bound(
        "orders on a bed's page",
        lambda plan: float(plan.site.beds),
        float(COMMANDED_MAX),
        "edge/board/record_intake.py: COMMANDED_MAX",
        "the last orders of who had none for longest are not on the page of the bed; they are in the history",
    ),
    Bound(
        "partitions",
        lambda plan: float(plan.number("partitions")),
        _partitions_max(),
        "streams/config/settings.py: partitions, at most",
        "no such setting is taken; a larger --board-age needs fewer, beyond that one cluster for a site",
    ),
)


def reached(site: Site, reckon: Callable[[Site], Plan], bounds: Sequence[Bound] = BOUNDS) -> list[Reached]:
    """Return how much of each bound a site takes, what is reached first at the head."""
    plan = reckon(site)
    found = [
        Reached(bound, bound.need(plan) / bound.limit, _beds_within(bound, site, reckon)) for bound in bounds
    ]
    return sorted(found, key=lambda one: BEDS_MAX if one.beds is None else one.beds)


def _beds_within(bound: Bound, site: Site, reckon: Callable[[Site], Plan]) -> int | None:
    """Return the most beds of such a site that stay within a bound; needs never fall as beds grow."""

    def within(beds: int) -> bool:
        return bound.need(reckon(replace(site, beds=beds))) <= bound.limit

    if within(BEDS_MAX):
        return None
    low, high = 0, BEDS_MAX
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if within(middle) else (low, middle)
    return low


def board_age_s(plan: Plan) -> float:
    """Return how old the values of a patient on a board may become, s."""
    return max(1.0, plan.site.beds / (REFRESHED_MAX * plan.number("partitions")))
