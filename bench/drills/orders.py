"""Orders of people in a drill: alarms that are paused, acknowledged and answered for, limits that are changed."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from bench.drills.stage import Stage
from edge.order_sending import answer_of, make_order, signed
from edge.sending import send
from streams.contracts.alert import Alert
from streams.contracts.command import Order
from streams.contracts.people import Person
from streams.contracts.topics import ALERTS, COMMANDS
from streams.kafka.log_end import read_whole
from streams.kafka.producers import ORDERS, Producer
from streams.kafka.security import seals_of

NURSE: Final = Person(id="drill-nurse", role="nurse", wards=("*",))
OPEN: Final = "active"
ANSWERED_FOR_MAX: Final = 60
"""Open alarms of high priority, by turns accepted, rejected, acknowledged and left as they are."""

PAUSED: Final = 60
"""Patients, by turns of each kind of pause and with other limits."""

PAUSE_S: Final = 60
WHY: Final = "drill"
BED: Final = "bed-"


def give_orders(stage: Stage) -> None:
    """Give orders about alarms that are open now and about patients who had any; nobody waits for the answers.

    Raises:
        BrokerUnreachable: no broker takes them.
    """
    settings, given = stage.settings, Counter[str]()
    newest: dict[str, Alert] = {}
    for record in read_whole(settings, settings.topic(ALERTS)):
        alert = Alert.model_validate_json(record.value)
        newest[alert.episode] = alert
    with Producer(settings, ORDERS, settings.topic(COMMANDS)) as producer:
        for order in (*_of_alarms(newest.values()), *_of_patients(newest.values())):
            value = signed(seals_of(settings), order, NURSE)
            send(producer, f"{order.kind} {order.id}", order.patient.encode(), value)
            given[order.kind] += 1
    stage.say(f"orders: {', '.join(f'{count} {kind}' for kind, count in sorted(given.items()))}")


def accepted(stage: Stage) -> dict[str, int]:
    """Return how many orders of each kind a worker took."""
    found = Counter[str]()
    for record in read_whole(stage.settings, stage.settings.topic(COMMANDS)):
        if (answer := answer_of(record.value)) is not None:
            found[answer.command] += answer.outcome == "accepted"
    return dict(sorted(found.items()))


def _of_alarms(newest: Iterable[Alert]) -> Iterator[Order]:
    """Yield answers to alarms for which somebody is asked."""
    asked = [one for one in newest if one.state == OPEN and one.priority == "high"]
    for number, alert in enumerate(asked[:ANSWERED_FOR_MAX]):
        if kind := ("accept", "reject", "acknowledge", None)[number % 4]:
            yield make_order(kind, NURSE, patient=alert.patient, episode=alert.episode)


def _of_patients(newest: Iterable[Alert]) -> Iterator[Order]:
    """Yield pauses and limits, the same ones however often they are asked for."""
    beds = sorted({one.patient for one in newest if one.patient.startswith(BED)})
    for number, patient in enumerate(beds[:PAUSED]):
        turn = number % 4
        if turn < 2:
            mode = ("audio-paused", "alarm-paused")[turn]
            yield make_order("pause", NURSE, patient=patient, mode=mode, seconds=PAUSE_S)
        elif turn == 2:
            yield make_order("pause", NURSE, patient=patient, mode="alarm-off", reason=WHY)
        else:
            yield make_order("set-limits", NURSE, patient=patient, rule="hr-high", high=130, reason=WHY)
