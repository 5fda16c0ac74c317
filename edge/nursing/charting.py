"""Charted values as a frame of a charting device: whoever looks at a patient measures, too."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from edge.gateway.numbering import BOOT, numbered
from edge.sending import send
from streams.config.settings import Settings
from streams.contracts.frame import Frame
from streams.contracts.topics import READINGS
from streams.errors import UsageError
from streams.kafka.layout_log import laid_out
from streams.kafka.producers import ORDERS, Producer

DEVICE: Final = "chart-"
"""Begins the id of a charting device; who charts follows, so that each person's values are of one device."""

HOURS_DEFAULT: Final = 4.0
"""When the next observation is due: NEWS2 asks for one every 4 to 6 h at a total of 1 to 4 (RCP 2017, chart 4)."""

HOURS_MAX: Final = 23.0
"""Who announces a day signs off, and a violation that is charted then waits for its delay, which never comes."""


def charted(patient: str, actor: str, now_ms: int, next_in_h: float, said: Mapping[str, object]) -> Frame:
    """Return the frame of what somebody has observed; what is None was not looked at.

    Raises:
        UsageError: one line that names what is wrong.
    """
    given = {name: value for name, value in said.items() if value is not None}
    if not given:
        raise UsageError("nothing is charted: give a value, for example --consciousness A")
    head = {
        "patient": patient,
        "device": DEVICE + actor,
        "boot": BOOT,
        "seq": numbered(now_ms, str(sorted(given.items()))),
        "event_ts_ms": now_ms,
        "interval_ms": round(next_in_h * 3_600_000),
    }
    try:
        return Frame.model_validate(head | given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][-1]) if first["loc"] else "frame"
        raise UsageError(f"{name}: {first['msg']}") from None


def store(settings: Settings, frame: Frame) -> None:
    """Send a frame; returns when Kafka has it.

    Raises:
        BrokerUnreachable: it was not sent, or not acknowledged in time.
        TopicsMismatch: there is no topic for readings.
        VigilError: the broker refused it.
    """
    value = frame.model_dump_json(exclude_unset=True).encode()
    with Producer(settings, ORDERS, laid_out(settings, writes=True).topic(READINGS)) as producer:
        send(producer, "what was charted", frame.patient.encode(), value)
