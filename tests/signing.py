"""People of tests and commands by them: with the person who orders, and signed as a door signs."""

import json

from streams.contracts.people import Person
from streams.contracts.seals import DEVELOPMENT


def person(name="nurse-7", role="nurse", wards=("*",), **more):
    """Return a person: a nurse of every ward, if nothing else is said."""
    return Person(id=name, role=role, wards=tuple(wards), **more)


def commanded(order, who=None):
    """Return a command's JSON together with who orders it: a nurse of every ward, if nobody else is named.

    What names no actor is no command and comes back as it is.
    """
    order = order if isinstance(order, bytes) else json.dumps(order).encode()
    try:
        said = json.loads(order)
    except ValueError:
        return order
    if not isinstance(said, dict) or "actor" not in said:
        return order
    who = {"id": said["actor"], "role": "nurse", "wards": ["*"]} if who is None else who.model_dump()
    return json.dumps({"person": who}).encode()[:-1] + b', "order": ' + order.strip() + b"}"


def signed(order, who=None, seals=DEVELOPMENT):
    """Return a command as it stands on vitals.commands, under its patient."""
    patient = json.loads(order)["patient"] if isinstance(order, bytes) else order["patient"]
    return seals.sign(patient.encode(), commanded(order, who))
