"""Made-up logs of a board's topics: a few patients over two partitions, with all that may happen to them."""

import random
from dataclasses import dataclass, field
from typing import Any, Final

from edge.board.board_follower import Heard
from edge.board.position import Log
from streams.contracts.alert import Alert, Evidence, Responsibility, Source, episode_id
from streams.contracts.deliveries import Delivery
from streams.contracts.patient_state import LastValue, OpenAlarm, Patient

PARTITIONS: Final = 2
WARDS: Final = ("a", "b", "")
PRIORITIES: Final[dict[str, Any]] = {"spo2-low": "medium", "hr-high": "high", "silent-device": "medium"}
"""Of each rule of these worlds."""

EVENTS_MAX: Final = 60


@dataclass(slots=True)
class _Ill:
    """What a worker knows of a patient."""

    ward: str
    partition: int
    open: dict[str, tuple[str, int, int, str]] = field(default_factory=dict)
    """Rule, onset, number of the next event and state, by episode."""


@dataclass(slots=True)
class World:
    """Every log, each in its order."""

    logs: dict[Log, list[Heard]] = field(default_factory=dict)

    def add(self, topic: str, partition: int, key: str, found: Any, ts_ms: int) -> None:
        """Append a record."""
        log = self.logs.setdefault(Log(topic, partition), [])
        log.append(Heard(log[-1].offset + 1 if log else 0, key, found, ts_ms))

    @property
    def patients(self) -> set[str]:
        """Everybody of whom there is a record."""
        return {heard.key for records in self.logs.values() for heard in records}


def made(seed: int, patients: int = 4, steps: int = EVENTS_MAX) -> World:
    """Return a world: alarms begin, change and end, patients move, are deleted and come back, records are late."""
    dice, world, now_ms = random.Random(seed), World(), 1_000_000
    ill = {f"p{number}": _Ill(dice.choice(WARDS), number % PARTITIONS) for number in range(patients)}
    for _ in range(steps):
        now_ms += dice.choice((0, 1, 500))
        name = dice.choice(sorted(ill))
        one = ill[name]
        match dice.randrange(10):
            case 0 | 1:
                _begin(dice, world, name, one, now_ms)
            case 2 | 3 if one.open:
                _go_on(dice, world, name, one, now_ms)
            case 4 if one.open:
                _deliver(dice, world, name, one, now_ms)
            case 5:
                one.ward = dice.choice(WARDS)
                _show(world, name, one, now_ms)
            case 6 if not one.open:
                world.add("patients", one.partition, name, None, now_ms)
            case 7:
                one.ward = dice.choice(WARDS)
                _show(world, name, one, now_ms)
            case 8 if one.open and dice.random() < 0.3:
                del one.open[
                    dice.choice(sorted(one.open))
                ]  # its end was never told, or is too old to be there
                now_ms += 1
                _show(world, name, one, now_ms)
            case _:
                _show(world, name, one, now_ms)
    for name, one in ill.items():
        if dice.random() < 0.5:
            _show(world, name, one, now_ms + 1)
    return world


def _begin(dice: random.Random, world: World, name: str, one: _Ill, now_ms: int) -> None:
    rule = dice.choice(sorted(PRIORITIES))
    episode = episode_id(name, rule, now_ms)
    if episode not in one.open and all(rule != known[0] for known in one.open.values()):
        one.open[episode] = (rule, now_ms, 1, "active")
        _tell(world, name, one, episode, 0, "start", now_ms, rule)


def _go_on(dice: random.Random, world: World, name: str, one: _Ill, now_ms: int) -> None:
    episode = dice.choice(sorted(one.open))
    rule, onset_ms, number, state = one.open[episode]
    if ends := dice.random() < 0.4:
        del one.open[episode]
    else:
        state = dice.choice(("active", "acknowledged"))
        one.open[episode] = (rule, onset_ms, number + 1, state)
    _tell(world, name, one, episode, number, "end" if ends else "update", now_ms, rule, onset_ms, state)
    if dice.random() < 0.1:  # a worker that was killed tells it again
        log = world.logs[Log("alerts", one.partition)]
        for heard in log[-dice.randrange(1, 6) :]:
            world.add("alerts", one.partition, heard.key, heard.found, now_ms)


def _tell(
    world: World,
    name: str,
    one: _Ill,
    episode: str,
    number: int,
    phase: Any,
    now_ms: int,
    rule: str,
    onset_ms: int = -1,
    state: str = "active",
) -> None:
    alert = Alert(
        id=f"{episode}-{number}",
        episode=episode,
        patient=name,
        rule=rule,
        event="MDC_EVT_LO",
        source=Source(kind="signal", name="spo2", unit="%"),
        phase=phase,
        state="inactive" if phase == "end" else "active",
        inactivation="alert-acknowledged" if state == "acknowledged" else "enabled",
        priority=PRIORITIES[rule],
        type="technical" if rule == "silent-device" else "physiological",
        onset_ts_ms=onset_ms if onset_ms >= 0 else now_ms,
        event_ts_ms=now_ms,
        append_ts_ms=now_ms,
        evidence=Evidence(value=None if number % 3 else float(80 + number)),
        responsibility=Responsibility(step=number, to="nurse", status="requested") if number % 2 else None,
        acknowledged_by="nurse-1" if state == "acknowledged" else None,
        reason=f"event {number}",
    )
    world.add("alerts", one.partition, name, alert, now_ms)


def _deliver(dice: random.Random, world: World, name: str, one: _Ill, now_ms: int) -> None:
    episode = dice.choice(sorted(one.open))
    delivery = Delivery(
        id=f"d-{episode}",
        alert=f"{episode}-0",
        episode=episode,
        patient=name,
        ward=one.ward,
        rule=one.open[episode][0],
        priority="medium",
        step=1,
        recipient="nurse-1",
        channel="push",
        milestone=dice.choice(("queued", "sent", "delivered", "shown")),
        at_ts_ms=now_ms,
    )
    world.add("deliveries", one.partition, name, delivery, now_ms)


def _show(world: World, name: str, one: _Ill, now_ms: int) -> None:
    record = Patient(
        patient=name,
        ward=one.ward,
        seen_ts_ms=now_ms,
        pause=None,
        pause_until_ts_ms=None,
        alarms=tuple(
            OpenAlarm.model_validate(
                {
                    "rule": rule,
                    "episode": episode,
                    "state": state,
                    "priority": PRIORITIES[rule],
                    "onset_ts_ms": onset_ms,
                }
            )
            for episode, (rule, onset_ms, _, state) in one.open.items()
        ),
        values={"hr": LastValue(value=float(now_ms % 90), ts_ms=now_ms)},
        judged_ts_ms=now_ms,
    )
    world.add("patients", one.partition, name, record, now_ms)
