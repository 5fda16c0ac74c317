"""The layout of the readings on `vitals.layout`: read, followed, and led on by one step after another.

Records are numbered and sealed like those of `vitals.rules` (`streams.kafka.rules_log`): of two of one number, which
two programs wrote at the same moment, the first counts, so a step is taken once and whoever lost sees it. Who has no
command key, as a gateway, cannot check seals and relies on who may write to the topic.
"""

import time
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError

from streams.config.settings import Settings
from streams.contracts.layout import Generation, Layout, Step, first_layout
from streams.contracts.seals import Place, Seals, Unproven
from streams.contracts.topics import LAYOUT
from streams.errors import StepLost, UsageError, VigilError
from streams.kafka.connect import CONNECT_WAIT_S
from streams.kafka.log_end import read_whole
from streams.kafka.producers import ORDERS, Producer
from streams.kafka.security import seals_of

SEALED_UNDER: Final = b"~layout"
"""What the seals of these records are made for, whatever their key."""

RECORD_BYTES_MAX: Final = 16_384
STORED_S_MAX: Final = ORDERS.delivery_s + 1.0
POLL_S: Final = 0.01


def read_layout(settings: Settings) -> Layout:
    """Return how the readings lie now; as they were first made where nothing was ever said.

    Raises:
        BrokerUnreachable: no broker answers.
    """
    found = newest(read_whole(settings, settings.topic(LAYOUT)), seals_if_known(settings), None)
    return first_layout(settings.group) if found is None else found


def own_layout(settings: Settings) -> Layout:
    """Return how the readings lie now, for who judges them or changes that.

    Raises:
        BrokerUnreachable: no broker answers.
        UsageError: another group's workers judge these readings.
    """
    found = read_layout(settings)
    if settings.shadow == "" and found.group != settings.group:
        raise UsageError(
            f"group: {settings.topic(LAYOUT)} is of group {found.group}, not {settings.group}: "
            "readings that were scaled are judged by one group"
        )
    return found


def newest(records: Iterable[Any], seals: Seals | None, before: Layout | None) -> Layout | None:
    """Return the last layout that counts among records and the one before them; `seals` None = unchecked."""
    for record in records:
        layout = opened(record.value, seals)
        if layout is not None and (before is None or layout.number > before.number):
            before = layout
    return before


def opened(value: bytes | None, seals: Seals | None) -> Layout | None:
    """Return what a record says; None for one that proves nothing, or is not what its seal was made for."""
    if value is None or len(value) > RECORD_BYTES_MAX:
        return None
    try:
        if seals is None:
            place, content = Seals.unchecked(value)
        else:
            place, content = seals.opened(SEALED_UNDER, value)
        layout = Layout.model_validate_json(content)
    except (Unproven, ValidationError):
        return None
    return layout if layout.number == place.offset else None


def sealed(layout: Layout, seals: Seals) -> bytes:
    """Return the value of a record."""
    return seals.seal(SEALED_UNDER, Place(0, layout.number), layout.model_dump_json().encode())


def seals_if_known(settings: Settings) -> Seals | None:
    """Return the seals to check records by; None without a command key where the brokers ask who connects."""
    try:
        return seals_of(settings)
    except UsageError:
        return None


def take(settings: Settings, before: Layout, step: Step, factor: int = 1) -> Layout:
    """Write that a step is done, and return the layout that follows.

    Raises:
        IllegalStep: that cannot be done now.
        StepLost: another program wrote at the same moment.
        BrokerUnreachable: no broker answers.
        VigilError: it was not stored.
    """
    layout = before.after(step, int(time.time() * 1000), factor)
    with Producer(settings, ORDERS, settings.topic(LAYOUT), connect_wait_s=CONNECT_WAIT_S) as producer:
        sent = producer.send(settings.group.encode(), sealed(layout, seals_of(settings)))
        until_s = time.monotonic() + STORED_S_MAX
        while sent is not None and not sent.is_done and time.monotonic() < until_s:
            time.sleep(POLL_S)
        if sent is None or not sent.is_done or sent.failed():
            raise VigilError(f"{step} was not stored: {producer.last_error or 'the broker does not answer'}")
    if read_layout(settings) != layout:
        raise StepLost(f"{step} was not done: another program changed the layout at the same moment")
    return layout


def laid_out(settings: Settings, layout: Layout | None = None, *, writes: bool = False) -> Settings:
    """Return settings of which `topic`, `judging_group` and `reading_partitions` are as the readings lie now.

    Args:
        settings: of any process.
        layout: as it was read; None = it is read now.
        writes: for who writes readings; all others are told of the generation that is judged.
    """
    layout = read_layout(settings) if layout is None else layout
    return in_generation(settings, layout.written if writes else layout.judged)


def in_generation(settings: Settings, generation: Generation) -> Settings:
    """Return settings of a generation of the readings."""
    return settings.model_copy(update={"generation": generation.number, "factor": generation.factor})
