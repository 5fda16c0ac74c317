"""What follows from an admission by what a ward has said: orders, each with an id made from the admission's. Pure.

The age band where neither the admission nor anybody before has said one, then the lines of the formulary for rules of
which the patient has no own limits. The judge decides: within the rules' bounds or refused, like any order. As the ids
are made from the admission, an order that is sent again is applied once.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streams.contracts.command import Admit, Command, Order
from streams.contracts.patient_state import Limits
from streams.contracts.reference import Reference

ID_BEGINS: Final = "ref-"
"""Of the ids of these orders, by which their answers are known."""

Said = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Wish:
    """One order to make: its kind, and what it says beside id, time and actor."""

    id: str
    kind: str
    said: Said

    def order(self, actor: str, now_ms: int) -> Order:
        """Return it as the order of an actor at a time, ms."""
        said = {name: value for name, value in self.said.items() if value is not None}
        head = {"kind": self.kind, "id": self.id, "actor": actor, "issued_ts_ms": now_ms}
        return Command.model_validate(said | head).root


def wishes(admit: Admit, limits: Limits, reference: Reference) -> list[Wish]:
    """Return the orders for a patient who was admitted; none where the ward has said nothing.

    Args:
        admit: the admission that was accepted.
        limits: what is in force for the patient after it.
        reference: what wards have said.
    """
    ward = reference.ward(limits.ward)
    found: list[Wish] = []
    band = limits.age_band
    if ward is not None and ward.age_band is not None and limits.age_known is False:
        band = ward.age_band
        said = {"patient": admit.patient, "age_band": band, "reason": f"age band of ward {limits.ward}"}
        found.append(Wish(_id(admit, "age-band"), "set-profile", said))
    for line in reference.formulary(limits.ward, band):
        pair = limits.limits.get(line.rule)
        if pair is not None and pair.own:
            continue  # somebody has set them for this patient, who is known better than the ward
        reason = f"formulary of ward {line.ward}: {line.reason}"
        wanted: Said = {
            "patient": admit.patient,
            "rule": line.rule,
            "low": line.low,
            "high": line.high,
            "reason": reason,
        }
        found.append(Wish(_id(admit, line.rule), "set-limits", wanted))
    return found


def _id(admit: Admit, what: str) -> str:
    text = f"{admit.patient}\x1f{admit.id}\x1f{what}".encode()
    return f"{ID_BEGINS}{hashlib.blake2b(text, digest_size=12).hexdigest()}"
