"""What a simulated ward says of its patients before it begins: they are adults, so that nobody asks for their age."""

import time
from typing import Final

from edge.order_sending import make_order, signed
from streams.config.settings import Settings
from streams.contracts.people import ANY_WARD, Person
from streams.contracts.topics import COMMANDS
from streams.errors import BrokerUnreachable
from streams.kafka.producers import FRAMES, Producer
from streams.kafka.security import seals_of

TAKEN_S_MAX: Final = 30.0
"""How long the broker may take for all commands; 100,000 take some seconds."""

POLL_S: Final = 0.005

SIMULATOR: Final = Person(id="vigil-simulate", role="system", wards=(ANY_WARD,), station="simulator")
"""Who says so."""


def say_ages(settings: Settings, patients: list[str]) -> None:
    """Send a command for each patient that gives the age band of an adult; nobody waits for the answers.

    Raises:
        TopicsMismatch: there is no topic for commands.
        UsageError: the command key is missing or wrong.
        BrokerUnreachable: the broker did not take all of them in time.
    """
    seals = seals_of(settings)
    until_s = time.monotonic() + TAKEN_S_MAX
    with Producer(settings, FRAMES, settings.topic(COMMANDS)) as producer:
        for patient in patients:
            order = make_order("set-profile", SIMULATOR, patient=patient, age_band="adult")
            value = signed(seals, order, SIMULATOR)
            while producer.send(patient.encode(), value) is None and time.monotonic() < until_s:
                time.sleep(POLL_S)
        while producer.in_flight and time.monotonic() < until_s:
            time.sleep(POLL_S)
        if producer.acknowledged < len(patients):
            why = producer.last_error or f"no answer within {TAKEN_S_MAX:g} s"
            raise BrokerUnreachable(f"the patients' ages were not taken: {why}")
