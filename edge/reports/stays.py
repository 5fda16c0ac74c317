"""Which ward a patient was in at a time, from the orders that were accepted; and who paused what. Pure.

An alert says no ward. Before the first order of the time that is read, the ward is not known; of a patient whom no
order has moved in it, it is the ward of now.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streams.contracts.command import Admit, Answer, Order, Pause, SetProfile, Transfer

UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Said:
    """An order, and when it took effect, ms."""

    order: Order
    at_ms: int


def accepted(orders: Iterable[Order], answers: Iterable[Answer]) -> list[Said]:
    """Return the orders that some partition has accepted, by when it first did."""
    first: dict[str, int] = {}
    for answer in answers:
        if answer.outcome == "accepted":
            first[answer.id] = min(answer.append_ts_ms, first.get(answer.id, answer.append_ts_ms))
    once = {order.id: order for order in orders if order.id in first}
    return sorted(
        (Said(order, first[order.id]) for order in once.values()),
        key=lambda said: (said.at_ms, said.order.id),
    )


class Stays:
    """Wards by patient and time; `now` is each patient's ward at the end."""

    def __init__(self, said: Iterable[Said], now: Mapping[str, str]) -> None:
        self._now = now
        self._moves: dict[str, tuple[list[int], list[str]]] = {}
        for one in said:
            ward = one.order.ward if isinstance(one.order, Admit | SetProfile | Transfer) else None
            if ward is not None:
                times, wards = self._moves.setdefault(one.order.patient, ([], []))
                times.append(one.at_ms)
                wards.append(ward)

    def ward_at(self, patient: str, ts_ms: int) -> str:
        """Return a patient's ward at a time; empty where it is not known."""
        if patient not in self._moves:
            return self._now.get(patient, UNKNOWN)
        times, wards = self._moves[patient]
        place = bisect_right(times, ts_ms)
        return wards[place - 1] if place else UNKNOWN


def pauses(said: Iterable[Said]) -> list[tuple[str, Pause]]:
    """Return the pauses that were accepted: patient and order, in their order."""
    return [(one.order.patient, one.order) for one in said if isinstance(one.order, Pause)]
