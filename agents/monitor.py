"""The monitor agent: takes blocks, has them judged, publishes what follows. The one actor of each partition."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final

from agents.board_writer import Boards
from agents.dead_letters import DeadLetters
from agents.health.canary import CANARY
from agents.health.metrics import Metrics
from agents.judging.alarms import Alarm
from agents.judging.alert_facts import encoded
from agents.judging.judge import Judge
from agents.judging.reasons import NOT_ALARMED, NOT_JUDGED, Reason
from agents.judging.transitions import Transition
from agents.judging.verdict import Tally, Verdict
from agents.rules_turn import RulesTurn
from agents.wards.counts import Reports
from clinical.lifecycle import PHASE_NAMES, Phase
from streams.config.settings import Settings
from streams.contracts.seals import Seals
from streams.contracts.topics import ALERTS, COMMANDS
from streams.decoding.decoded import Noted, Record, Reject
from streams.engine import decoder_of
from streams.kafka.publisher import Publisher
from streams.lane.work_off import Admitted
from tables.changelog.column_store import ColumnStore
from tables.partition import Partition
from tables.partition_life import Event

LATE_S: Final = 5.0
"""A block older than this is backlog: boards are then shown what changes, and last values when it is worked off."""

NO_LONGER: Final = "its rule is no longer in force"


class Monitor:
    """Takes blocks of the readings.

    Args:
        settings: name the topics and the time base.
        judge: decides.
        seals: tell which records are a worker's own.
        turn: from where on others judge, by other rules.
        store: the partitions.
        publisher: where alerts and answers go.
        metrics: count.
        dead_letters: take what cannot be judged.
        boards: told whom verdicts concern.
        reports: told what a tick counted of wards.
        end_note: tells that what a note about a partition says is over.
        wall_s: the clock.
    """

    def __init__(
        self,
        settings: Settings,
        judge: Judge,
        seals: Seals,
        turn: RulesTurn,
        store: ColumnStore,
        publisher: Publisher,
        metrics: Metrics,
        dead_letters: DeadLetters,
        boards: Boards,
        reports: Reports,
        end_note: Callable[[Noted, str, int], Awaitable[None]],
        wall_s: Callable[[], float],
    ) -> None:
        self.settings, self.judge, self.store = settings, judge, store
        self.publisher, self.metrics = publisher, metrics
        self.dead_letters, self.boards, self.reports = dead_letters, boards, reports
        self.turn, self.end_note, self.wall_s = turn, end_note, wall_s
        self.seals, self._decoder = seals, decoder_of(settings.engine, seals)

    async def take(self, admitted: Admitted) -> None:
        """Judge the records of blocks of different partitions, and send what follows, as one step."""
        async with self.store.whole_blocks:
            await self._take(admitted)

    async def _take(self, admitted: Admitted) -> None:
        metrics, decoder, started_s = self.metrics, self._decoder, time.perf_counter()
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
        partitions = [self._judged(block.partition) for block, _ in admitted]
        tables = [partition.table for partition in partitions]
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
        for (block, records), run, partition, verdict in zip(
            admitted, decoded, partitions, verdicts, strict=True
        ):
            for reject in (*run.rejects, *_strangers(records, verdict)):
                await self.dead_letters.refuse(reject, block.topic, block.partition)
            for noted in run.notes:
                await self.end_note(noted, block.topic, block.partition)
            if records:
                await self._send(partition, verdict, records[-1].timestamp)
        self._count([verdict.tally for verdict in verdicts])
        if refiled := sum(run.refiled for run in decoded):
            metrics.frames.inc(refiled)
            metrics.not_judged.labels(reason=Reason.REFILED).inc(refiled)

    def _judged(self, number: int) -> Partition:
        partition = self.store.partition(number)
        partition.on(Event.JUDGE)
        return partition

    async def dismiss(self, kept: frozenset[str]) -> None:
        """End open alarms of rules that are not among those kept, in every partition that is judged here.

        Of what is being recovered it is not known yet which alarms are open.
        """
        async with self.store.whole_blocks:
            for number, partition in sorted(self.store.partitions.items()):
                if not partition.is_judged:
                    continue
                verdict = self.judge.dismiss(partition.table, kept, NO_LONGER)
                await self._alert(verdict, number)
                self.boards.note(partition, verdict)

    async def _send(self, partition: Partition, verdict: Verdict, append_ms: int) -> None:
        """Send what the judging of a partition led to besides alerts; `append_ms` is the last record's time."""
        await self._answer(verdict, partition.number)
        await self.reports.write(partition, verdict.counts, verdict.counted_ms)
        late = self.wall_s() - append_ms / 1000 > LATE_S
        self.boards.note(partition, verdict, late=late)
        partition.dropped.update(verdict.dropped)

    async def _alert(self, verdict: Verdict, partition: int) -> None:
        topic = self.settings.topic(ALERTS)
        decided_s = time.perf_counter()
        for transition in verdict.transitions:
            alarm = self.judge.alarms[transition.column]
            key, value = transition.patient.encode(), encoded(alarm, transition)
            future = await self.publisher.publish(topic, key, value, partition=partition)
            self.metrics.alerts.labels(alarm.id, PHASE_NAMES[Phase(transition.phase)]).inc()
            future.add_done_callback(partial(self._arrived, decided_s, alarm, transition, partition))

    async def _answer(self, verdict: Verdict, partition: int) -> None:
        """Write what became of commands beside them, in the partition that they came from."""
        topic = self.settings.topic(COMMANDS)
        for answer in verdict.answers:
            value = answer.model_dump_json().encode()
            await self.publisher.publish(topic, answer.patient.encode(), value, partition=partition)
            self.metrics.commands.labels(kind=answer.command, outcome=answer.outcome).inc()

    def _arrived(
        self, decided_s: float, alarm: Alarm, transition: Transition, partition: int, _: object
    ) -> None:
        self.metrics.publish.observe(time.perf_counter() - decided_s)
        if self.settings.time_base != "live":
            return  # a recording's times say nothing about now
        now = self.wall_s()
        on_the_way_s = max(0.0, now - transition.append_ms / 1000)
        self.metrics.event_to_alert.observe(max(0.0, now - transition.event_ms / 1000))
        self.metrics.append_to_alert.observe(on_the_way_s)
        if alarm.id == CANARY and transition.phase == Phase.START:
            self.metrics.canary.labels(str(partition)).set(on_the_way_s)
            self.metrics.canary_heard.labels(str(partition)).set(now)

    def _count(self, tallies: Iterable[Tally]) -> None:
        metrics, tally = self.metrics, Tally()
        for each in tallies:
            tally.add(each)
        metrics.frames.inc(tally.frames)
        metrics.readings.inc(tally.readings)
        metrics.ticks.inc(tally.ticks)
        metrics.suspect.inc(tally.suspect)
        for counter, reasons in ((metrics.not_judged, NOT_JUDGED), (metrics.not_alarmed, NOT_ALARMED)):
            for reason in reasons:
                if count := tally.of(reason):
                    counter.labels(reason=reason).inc(count)


def _strangers(records: Sequence[Record], verdict: Verdict) -> list[Reject]:
    """Return the frames of patients for whom there is no room, as rejects."""
    if not verdict.strangers:
        return []
    at = {record.offset: record for record in records}
    why = "the partition has as many patients as it may have, and this one is new"
    return [Reject(at[offset], "too-many-patients", why) for offset in verdict.strangers]
