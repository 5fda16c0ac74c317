"""What a simulated ward says of its patients before it begins: they are adults, so that nobody asks for their age."""

import time
from typing import Final

from edge.orders import make_order
from streams.errors import BrokerUnreachable
from streams.producers import FRAMES, Producer
from streams.settings import Settings
from streams.topics import COMMANDS

TAKEN_S_MAX: Final = 30.0
"""How long the broker may take for all commands; 100,000 take some seconds."""

POLL_S: Final = 0.005


def say_ages(settings: Settings, patients: list[str]) -> None:
    """Send a command for each patient that gives the age band of an adult; nobody waits for the answers.

    Raises:
        TopicsMismatch: there is no topic for commands.
        BrokerUnreachable: the broker did not take all of them in time.
    """
    said = {"actor": "vigil-simulate", "age_band": "adult"}
    until_s = time.monotonic() + TAKEN_S_MAX
    with Producer(settings, FRAMES, settings.topic(COMMANDS)) as producer:
        for patient in patients:
            value = make_order("set-profile", patient=patient, **said).model_dump_json(exclude_none=True)
            while producer.send(patient.encode(), value.encode()) is None and time.monotonic() < until_s:
                time.sleep(POLL_S)
        while producer.in_flight and time.monotonic() < until_s:
            time.sleep(POLL_S)
        if producer.acknowledged < len(patients):
            why = producer.last_error or f"no answer within {TAKEN_S_MAX:g} s"
            raise BrokerUnreachable(f"the patients' ages were not taken: {why}")
