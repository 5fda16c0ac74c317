"""What a simulated ward says of its patients before it begins: they are adults, so that nobody asks for their age."""

from contextlib import closing
from typing import Final

from kafka.errors import KafkaError

from edge.orders import make_order
from streams.connect import connect_producer
from streams.errors import BrokerUnreachable
from streams.settings import Settings
from streams.topics import COMMANDS

FLUSH_S_MAX: Final = 30.0
"""How long the broker may take for all commands; 100,000 take some seconds."""


def say_ages(settings: Settings, patients: list[str]) -> None:
    """Send a command for each patient that gives the age band of an adult; nobody waits for the answers.

    Raises:
        BrokerUnreachable: the broker did not take all of them in time.
    """
    topic = settings.topic(COMMANDS)
    said = {"actor": "vigil-simulate", "age_band": "adult"}
    with closing(connect_producer(settings)) as producer:
        try:
            futures = [
                producer.send(
                    topic,
                    key=patient.encode(),
                    value=make_order("set-profile", patient=patient, **said)
                    .model_dump_json(exclude_none=True)
                    .encode(),
                )
                for patient in patients
            ]
            producer.flush(timeout=FLUSH_S_MAX)
        except KafkaError as error:
            raise BrokerUnreachable(f"the patients' ages were not taken: {error}") from None
        if not all(future.succeeded() for future in futures):
            raise BrokerUnreachable(
                "the patients' ages were not taken: look whether the commands' topic is there"
            )
