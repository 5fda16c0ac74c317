"""Pages converge: seeded runs of boards that read as they like, restart and lag, and of proxies that cut and reroute.

Each run has the logs of one made-up ward, three boards that read them in orders of their own, and a viewer behind a
proxy that hands bytes on in pieces, cuts anywhere, and leads who comes back to another board, which may be behind or
ahead. Topics are compacted meanwhile. In the end every board has read everything, and what the viewer holds must be
what a plain reading of the logs says.
"""

import random
from dataclasses import dataclass, field
from typing import Any, Final

from bench.board.plain import plain_beds
from bench.board.viewer_model import ViewerModel
from bench.board.worlds import PARTITIONS, World, made
from edge.board.audience import Audience
from edge.board.board_follower import Batch, has_gap
from edge.board.live import Live
from edge.board.position import Log
from edge.board.record_intake import Intake

BOARDS: Final = 3
STEPS: Final = 120
AUDIENCES: Final = (None, frozenset({"a"}), frozenset({"a", "b"}))


@dataclass(slots=True)
class Report:
    """What a run met."""

    snapshots: int = 0
    catch_ups: int = 0
    cuts: int = 0
    restarts: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Report", seed: int) -> None:
        """Count another run's in."""
        self.snapshots += other.snapshots
        self.catch_ups += other.catch_ups
        self.cuts += other.cuts
        self.restarts += other.restarts
        self.wrong += [f"seed {seed}: {each}" for each in other.wrong[:1]]


class Board:
    """A board that reads one record of any log at a time, from the beginning whenever it starts."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self._dice = dice
        self._logs = compacted(world, dice)
        self.live = Live(PARTITIONS)
        self.intake = Intake(self.live)
        self._at = dict.fromkeys(self._logs, 0)
        for log in sorted(self._logs):
            self.read(log, dice.randrange(len(self._logs[log]) + 1))
        self.live.begin()

    def read(self, log: Log, count: int) -> list[int]:
        """Read some records of a log; return when the broker took the alerts among them, ms."""
        begin = self._at[log]
        records = self._logs[log][begin : begin + count]
        if not records:
            return []
        self._at[log] = begin + len(records)
        offsets, ahead = [heard.offset for heard in records], self.live.read.get(log, 0)
        lacking = {log: self._logs[log][-1].offset + 1} if has_gap(ahead, offsets) else {}
        return self.intake.take(Batch({log: records}, {log: offsets[-1] + 1}, lacking))

    def read_some(self) -> list[int]:
        """Read a little of any log; return when the broker took the alerts among it, ms."""
        return self.read(self._dice.choice(sorted(self._logs)), self._dice.randrange(1, 4))

    def read_all(self) -> None:
        """Read to the end of every log, logs in any order."""
        logs = sorted(self._logs)
        self._dice.shuffle(logs)
        for log in logs:
            self.read(log, len(self._logs[log]))


def compacted(world: World, dice: random.Random) -> dict[Log, list[Any]]:
    """Return the logs as a board may find them: of patients' records older ones of a key may be gone, half the time."""
    kept_share = dice.choice((0.5, 1.0))
    found = dict[Log, list[Any]]()
    for log, records in world.logs.items():
        last = {heard.key: heard.offset for heard in records}
        kept = [
            heard
            for heard in records
            if log.topic != "patients" or heard.offset == last[heard.key] or dice.random() < kept_share
        ]
        found[log] = kept
    return found


def run(seed: int) -> Report:
    """Run one seed."""
    dice, report = random.Random(seed), Report()
    world = made(seed)
    audience = Audience(dice.choice(AUDIENCES))
    boards = [Board(world, dice) for _ in range(BOARDS)]
    viewer, pending, at = ViewerModel(), b"", dice.randrange(BOARDS)
    pending = _joined(boards[at], audience, viewer, report)
    for _ in range(STEPS):
        match dice.randrange(6):
            case 0:
                # Cut: whatever the proxy still has is lost, at any byte, and the next connection leads anywhere.
                viewer.take(pending[: dice.randrange(len(pending) + 1)])
                report.cuts += 1
                at = dice.randrange(BOARDS)
                pending = _joined(boards[at], audience, viewer, report)
            case 1 if dice.random() < 0.3:
                other = dice.randrange(BOARDS)
                boards[other] = Board(world, dice)
                report.restarts += 1
                if other == at:
                    viewer.take(pending[: dice.randrange(len(pending) + 1)])
                    pending = _joined(boards[at], audience, viewer, report)
            case 2:
                size = dice.randrange(len(pending) + 1)
                viewer.take(pending[:size])
                pending = pending[size:]
            case _:
                board = dice.choice(boards)
                board.read_some()
                if board is boards[at]:
                    pending += _told(board, audience)
                elif dice.random() < 0.5:
                    board.live.look()
    for board in boards:
        board.read_all()
    pending += _told(boards[at], audience)
    viewer.take(pending)
    _compare(world, boards, audience, viewer, report)
    return report


def _joined(board: Board, audience: Audience, viewer: ViewerModel, report: Report) -> bytes:
    viewer.begin()
    board.live.look()
    said = board.live.catch_up(audience, viewer.position, 0) if viewer.position else None
    report.catch_ups += said is not None
    report.snapshots += said is None
    return said if said is not None else board.live.snapshot(audience, 0)


def _told(board: Board, audience: Audience) -> bytes:
    return board.live.told(audience, board.live.look(), 0)


def _compare(
    world: World, boards: list[Board], audience: Audience, viewer: ViewerModel, report: Report
) -> None:
    expected = {patient: bed for patient, bed in plain_beds(world).items() if audience.sees(str(bed["ward"]))}
    for number, board in enumerate(boards):
        fresh = ViewerModel()
        board.live.look()
        fresh.take(board.live.snapshot(audience, 0))
        report.wrong += [f"board {number}: {each}" for each in differing(fresh.beds, expected)]
    report.wrong += [f"viewer: {each}" for each in differing(viewer.beds, expected)]


def differing(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return in what two wards differ."""
    return [
        f"{patient}: {found.get(patient)} instead of {expected.get(patient)}"
        for patient in sorted({*found, *expected})
        if found.get(patient) != expected.get(patient)
    ]
