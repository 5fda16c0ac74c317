"""The wards agent: takes what partitions say of their wards, publishes the wards' alarms, and answers the partitions.

What it knows of a partition of the topic it reads from the topic itself whenever the partition is assigned
(`Reader.begin_anew`). A block counts as done when all that follows from it has arrived.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from agents.dead_letters import DeadLetters
from agents.health.metrics import Metrics
from agents.judging.alarms import BREAK_GLASS, WARD_SILENT, Alarm
from agents.judging.alert_facts import encoded
from agents.judging.ward_log import Findings, Ward, WardLog, state_of
from clinical.lifecycle import PHASE_NAMES, Phase, State
from clinical.limits import MEDIUM
from clinical.rules import PRIORITIES
from clinical.wards import newest
from streams.config.settings import Settings
from streams.contracts.alert import WARD, episode_id
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.patient_state import OpenAlarm, Patient
from streams.contracts.seals import Place, Seals
from streams.contracts.topics import ALERTS, COMMANDS, PATIENTS, READINGS, WARDS
from streams.contracts.ward import RULING_KEY
from streams.decoding.decoded import Noted, Record
from streams.kafka.publisher import Publisher
from streams.lane.block import Block
from streams.lane.protocol import Lane
from streams.lane.work_off import Admitted


@dataclass(slots=True)
class Wards:
    """Everything the agent works with.

    The lane is told what has been decided and has arrived; `end_note` tells that what a note says is over.
    """

    settings: Settings
    alarms: tuple[Alarm, ...]
    seals: Seals
    publisher: Publisher
    dead_letters: DeadLetters
    metrics: Metrics
    lane: Lane
    end_note: Callable[[Noted, str, int], Awaitable[None]]
    wall_s: Callable[[], float] = time.time
    _logs: dict[int, WardLog] = field(default_factory=dict)
    _columns: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        ids = [alarm.id for alarm in self.alarms]
        self._columns = ids.index(WARD_SILENT), ids.index(BREAK_GLASS)

    def begin_anew(self, partition: int, committed: int, end: int) -> None:
        """Forget what is known of a partition, which is read from its start: up to `end` before anything is decided."""
        recorded = self.settings.time_base == "recorded"
        self._logs[partition] = WardLog(partition, self._columns, recorded, committed, end, self.seals)

    async def take(self, admitted: Admitted) -> None:
        """Judge records of different partitions, and send what follows."""
        for block, records in admitted:
            await self._take(block, records)

    async def tick(self) -> None:
        """Write that time passes into each partition that has a lost ward: it is reminded of, or found again."""
        for partition in sorted(self.lane.owned(self.settings.topic(WARDS)) or ()):
            log = self._logs.get(partition)
            if log is not None and log.is_lost:
                value = encode_tick(int(self.wall_s() * 1000))
                await self.publisher.publish(self.settings.topic(WARDS), TICK_KEY, value, partition=partition)

    async def _take(self, block: Block, records: Sequence[Record]) -> None:
        log = self._logs[block.partition]  # nothing of a partition is admitted before it was begun anew
        found = log.take(records, block.offset)
        for reject in found.rejects:
            await self.dead_letters.refuse(reject, block.topic, block.partition)
        for noted in found.notes:
            await self.end_note(noted, block.topic, block.partition)
        await self._publish(block.partition, log, found)
        await self.publisher.settled()
        self.lane.durable(block.topic, block.partition, log.durable)

    async def _publish(self, partition: int, log: WardLog, found: Findings) -> None:
        """Send what was found: nobody waits longer for an alert than for what follows from it."""
        topic, publish = self.settings.topic, self.publisher.publish
        for transition in found.transitions:
            await publish(
                topic(ALERTS),
                transition.patient.encode(),
                encoded(self.alarms[transition.column], transition),
            )
            self.metrics.alerts.labels(
                self.alarms[transition.column].id, PHASE_NAMES[Phase(transition.phase)]
            ).inc()
        for to, ruling in found.rulings:
            place = Place(ruling.partition, ruling.offset)
            value = self.seals.seal(RULING_KEY, place, ruling.model_dump_json().encode())
            await publish(topic(READINGS), RULING_KEY, value, partition=to)
        for answer in found.answers:
            await publish(topic(COMMANDS), answer.patient.encode(), answer.model_dump_json().encode())
            self.metrics.commands.labels(kind=answer.command, outcome=answer.outcome).inc()
        for name in found.changed:
            ward, patient = log.wards[name], f"{WARD}{name}".encode()
            await publish(topic(PATIENTS), patient, shown(name, ward))
            state = state_of(name, ward)
            value = state.model_dump_json().encode()
            await publish(topic(WARDS), state.key, value, partition=partition)


def shown(name: str, ward: Ward) -> bytes | None:
    """Return what boards show of a ward; None, which deletes it, when it is not lost."""
    loss, patient = ward.loss, WARD + name
    if loss.state == State.NORMAL:
        return None
    silent = sum(count.silent for count in ward.counts.values())
    alarm = OpenAlarm(
        rule=WARD_SILENT,
        type="technical",
        event="MDC_EVT_ALARM",
        value=float(silent),
        reason=f"ward: {silent} patients without any frame: look at gateway and network",
        episode=episode_id(patient, WARD_SILENT, loss.onset_ms),
        state="acknowledged" if loss.state == State.ACKNOWLEDGED else "active",
        priority=PRIORITIES[MEDIUM],
        onset_ts_ms=loss.onset_ms,
    )
    record = Patient(
        patient=patient,
        ward=name,
        seen_ts_ms=newest(ward.counts.values()),
        pause=None,
        pause_until_ts_ms=None,
        alarms=(alarm,),
        values={},
    )
    return record.model_dump_json().encode()
