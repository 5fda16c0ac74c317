"""The monitor agent: takes blocks, has them judged, publishes what follows. The one actor of each partition."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from agents.blocks import Admitted, work_off
from agents.board_writer import Boards
from agents.dead_letters import DeadLetters
from agents.health.canary import CANARY
from agents.health.metrics import Metrics
from agents.judging.alarms import Alarm, Happening, encoded
from agents.judging.judge import Judge
from agents.judging.verdict import Tally, Verdict
from agents.rules_turn import RulesTurn
from agents.wards.counts import Reports
from clinical.lifecycle import PHASE_NAMES, Phase
from streams.config.settings import Settings
from streams.contracts.seals import DEVELOPMENT, Seals
from streams.contracts.topics import ALERTS, COMMANDS
from streams.decoding.decoded import Decodes, Noted, Record, Reject
from streams.engine import decoder_of
from streams.kafka.publisher import Publisher, fail_stop
from streams.lane.block import Block
from tables.changelog.checkpoint import Checkpointer
from tables.changelog.column_store import ColumnStore
from tables.patients import PatientTable

LATE_S: Final = 5.0
"""A block older than this is backlog: boards are then shown what changes, and last values when it is worked off."""

NO_LONGER: Final = "its rule is no longer in force"


@dataclass(slots=True)
class Monitor:
    """Everything the agent works with; `watch` is the agent itself."""

    settings: Settings
    judge: Judge
    store: ColumnStore
    publisher: Publisher
    checkpointer: Checkpointer
    metrics: Metrics
    dead_letters: DeadLetters
    boards: Boards
    reports: Reports
    admit: Callable[[Block], Awaitable[Sequence[Any] | None]]
    end_note: Callable[[Noted], Awaitable[None]]
    """Tells that what a note about a partition says is over."""
    seals: Seals = DEVELOPMENT
    turn: RulesTurn = field(default_factory=RulesTurn)
    """From where on others judge, by other rules."""
    wall_s: Callable[[], float] = time.time
    on_failure: Callable[[str], None] = fail_stop

    async def watch(self, stream: Any) -> None:
        """Judge every block of the readings topic, in order."""
        decoder = decoder_of(self.settings.engine, self.seals)

        async def judge(admitted: Admitted) -> None:
            async with self.checkpointer.whole_blocks:
                await self.take(decoder, admitted)

        await work_off(stream, self.admit, judge, self.on_failure)

    async def take(self, decoder: Decodes, admitted: Admitted) -> None:
        """Judge the records of blocks of different partitions, and send what follows."""
        metrics, started_s = self.metrics, time.perf_counter()
        if self.settings.time_base == "live":
            now_s = self.wall_s()
            for _, records in admitted:
                if records:
                    metrics.fetch.observe(max(0.0, now_s - records[0].timestamp / 1000))
        decoded = [decoder.decode(records) for _, records in admitted]
        admitted, decoded = self.turn.cut(decoder, admitted, decoded)
        if not admitted:
            return
        decoded_s = time.perf_counter()
        tables = [self.store.state(block.partition) for block, _ in admitted]
        verdicts = self.judge.judge_together(list(zip(tables, decoded, strict=True)))
        for table, (block, records) in zip(tables, admitted, strict=True):
            table.processed = max(table.processed, block.offset)
            if records:
                table.processed_append_ms = records[-1].timestamp
        metrics.decode.observe(decoded_s - started_s)
        metrics.decide.observe(time.perf_counter() - decoded_s)
        metrics.block_records.observe(sum(len(records) for _, records in admitted))
        for (block, _), verdict in zip(admitted, verdicts, strict=True):
            await self._alert(verdict, block.partition)
        for (block, records), run, table, verdict in zip(admitted, decoded, tables, verdicts, strict=True):
            for reject in (*run.rejects, *_strangers(records, verdict)):
                await self.dead_letters.refuse(reject, block.topic, block.partition)
            for noted in run.notes:
                await self.end_note(noted)
            if records:
                await self._send(block.partition, table, verdict, records[-1].timestamp)
        self._count([verdict.tally for verdict in verdicts])
        if refiled := sum(run.refiled for run in decoded):
            metrics.frames.inc(refiled)
            metrics.not_judged.labels(reason="refiled").inc(refiled)

    async def dismiss(self, kept: frozenset[str]) -> None:
        """End open alarms of rules that are not among those kept, in every partition of this worker."""
        async with self.checkpointer.whole_blocks:
            for partition, table in sorted(self.store.partitions.items()):
                verdict = self.judge.dismiss(table, kept, NO_LONGER)
                await self._alert(verdict, partition)
                self.boards.note(partition, table, verdict)

    async def _send(self, partition: int, table: PatientTable, verdict: Verdict, append_ms: int) -> None:
        """Send what the judging of a partition led to besides alerts; `append_ms` is the last record's time."""
        await self._answer(verdict, partition)
        await self.reports.write(partition, verdict.counts, verdict.counted_ms)
        late = self.wall_s() - append_ms / 1000 > LATE_S
        self.boards.note(partition, table, verdict, late=late)
        self.checkpointer.note_dropped(partition, verdict.dropped)

    async def _alert(self, verdict: Verdict, partition: int) -> None:
        topic = self.settings.topic(ALERTS)
        decided_s = time.perf_counter()
        for happening in verdict.happenings:
            alarm = self.judge.alarms[happening.column]
            key, value = happening.patient.encode(), encoded(alarm, happening)
            future = await self.publisher.publish(topic, key, value, partition=partition)
            self.metrics.alerts.labels(alarm.id, PHASE_NAMES[Phase(happening.phase)]).inc()
            future.add_done_callback(partial(self._arrived, decided_s, alarm, happening, partition))

    async def _answer(self, verdict: Verdict, partition: int) -> None:
        """Write what became of commands beside them, in the partition that they came from."""
        topic = self.settings.topic(COMMANDS)
        for answer in verdict.answers:
            value = answer.model_dump_json().encode()
            await self.publisher.publish(topic, answer.patient.encode(), value, partition=partition)
            self.metrics.commands.labels(kind=answer.command, outcome=answer.outcome).inc()

    def _arrived(
        self, decided_s: float, alarm: Alarm, happening: Happening, partition: int, _: object
    ) -> None:
        self.metrics.publish.observe(time.perf_counter() - decided_s)
        if self.settings.time_base != "live":
            return  # a recording's times say nothing about now
        now = self.wall_s()
        on_the_way_s = max(0.0, now - happening.append_ms / 1000)
        self.metrics.event_to_alert.observe(max(0.0, now - happening.event_ms / 1000))
        self.metrics.append_to_alert.observe(on_the_way_s)
        if alarm.id == CANARY and happening.phase == Phase.START:
            self.metrics.canary.labels(str(partition)).set(on_the_way_s)
            self.metrics.canary_heard.labels(str(partition)).set(now)

    def _count(self, tallies: Iterable[Tally]) -> None:
        metrics, tally = self.metrics, Tally()
        for each in tallies:
            tally.add(each)
        metrics.frames.inc(tally.judged + tally.historic + tally.duplicate + tally.replayed + tally.surplus)
        metrics.readings.inc(tally.readings)
        metrics.ticks.inc(tally.ticks)
        metrics.suspect.inc(tally.suspect)
        for reason, count in (
            ("duplicate", tally.duplicate),
            ("historic", tally.historic),
            ("replayed", tally.replayed),
            ("beyond-windows", tally.beyond_windows),
            ("surplus", tally.surplus),
        ):
            if count:
                metrics.not_judged.labels(reason=reason).inc(count)
        for reason, count in (
            ("ended-in-delay", tally.ended_in_delay),
            ("paused", tally.withheld_by_pause),
            ("sensor-in-doubt", tally.withheld_by_sensor),
            ("ward-silent", tally.withheld_by_ward),
            ("less-severe", tally.withheld_by_severity),
            ("rate-told", tally.withheld_by_rate),
            ("ended-withheld", tally.ended_withheld),
        ):
            if count:
                metrics.not_alarmed.labels(reason=reason).inc(count)


def _strangers(records: Sequence[Record], verdict: Verdict) -> list[Reject]:
    """Return the frames of patients for whom there is no room, as rejects."""
    if not verdict.strangers:
        return []
    at = {record.offset: record for record in records}
    why = "the partition has as many patients as it may have, and this one is new"
    return [Reject(at[offset], "too-many-patients", why) for offset in verdict.strangers]
