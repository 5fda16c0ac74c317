"""Keeps reference data in force, in a group of its own, of any number of processes.

Who owns partition 0 of `vitals.reference` looks at the file; who owns a partition of `vitals.commands` orders what
follows from the admissions there. Both move to another process when one ends. Offsets are committed when what follows
from them is in Kafka; done twice, it is the same ids and the same records.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Self

from kafka import ConsumerRebalanceListener, TopicPartition
from kafka.errors import CommitFailedError, KafkaError
from kafka.structs import OffsetAndMetadata

from edge.order_sending import read_board
from edge.records import Skipped
from edge.reference.admissions import Admissions, Admitted
from edge.reference.posting import ACTOR, post
from edge.reference.reference_view import Follower
from edge.reference.source import Source
from edge.reference.wishes import ID_BEGINS, Wish, wishes
from edge.reference.writing import write
from streams.config.settings import Settings
from streams.contracts.patient_state import Limits
from streams.contracts.topics import COMMANDS, LIMITS, REFERENCE
from streams.errors import TopicsMismatch, VigilError
from streams.kafka.connect import CONNECT_WAIT_S, connect_consumer

POLL_MS: Final = 500
LOOK_S: Final = 1.0
"""Between two looks at the file."""

SHOWN_S_MAX: Final = 30.0
"""How long the limits in force may take to be shown after an admission; then it is let go, and said."""

Say = Callable[[str], None]


class Refresher:
    """One process of the group; a context manager, `turn` is called until it is to end.

    Args:
        settings: where the brokers are.
        source: the file, None = only what follows from admissions.
        say: told what was done or is wrong, in a line that names no patient.
    """

    def __init__(self, settings: Settings, source: Source | None, say: Say) -> None:
        self._settings, self._source, self._say = settings, source, say
        self._commands, self._reference = settings.topic(COMMANDS), settings.topic(REFERENCE)
        self._follower = Follower(settings)
        self._logs: dict[int, Admissions] = {}
        self._looked_s = float("-inf")
        self._consumer: Any = None
        self.is_owner = threading.Event()
        """Set while this process looks at the file."""
        self.is_member = threading.Event()
        """Set while the group has given this process its part, be that nothing."""

    def __enter__(self) -> Self:
        self._consumer = connect_consumer(
            self._settings,
            CONNECT_WAIT_S,
            group_id=f"{self._settings.group}-reference",
            auto_offset_reset="latest",  # what was admitted before anybody ran this is left alone
            session_timeout_ms=round(self._settings.session_timeout_s * 1000),
            heartbeat_interval_ms=round(self._settings.session_timeout_s * 1000 / 3),
            allow_auto_create_topics=False,
        )
        for topic in (self._commands, self._reference):
            if not self._consumer.partitions_for_topic(topic):
                self._consumer.close(autocommit=False)
                raise TopicsMismatch(f"no topic {topic}: run vigil topics apply")
        self._consumer.subscribe([self._commands, self._reference], listener=_Listener(self))
        self._follower.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._follower.__exit__()
        self._consumer.close(autocommit=False)

    def turn(self) -> None:
        """Take what has come, look at the file when it is time, and commit what is done.

        Raises:
            VigilError: Kafka took nothing; what is not committed comes again.
        """
        for tp, records in self._consumer.poll(timeout_ms=POLL_MS).items():
            if tp.topic == self._commands:
                log = self._logs.setdefault(tp.partition, Admissions(tp.partition))
                for record in records:
                    refused = log.take(record.offset, record.value, int(record.timestamp), ID_BEGINS)
                    if refused is not None:
                        self._say(f"an order of the formulary was refused: {refused.reason}")
        if not self._follower.wait_ready(0):
            return
        self._follow_admissions()
        self._look()
        self._commit()

    def _look(self) -> None:
        now_s = time.monotonic()
        if self._source is None or not self.is_owner.is_set() or now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        looked = self._source.look(self._follower.now)
        for fault in looked.faults:
            self._say(f"{self._source.name} is not taken: {fault}")
        if looked.changes is not None:
            write(self._settings, looked.changes.records)
            self._say(
                f"{self._source.name}: {looked.changes.written} written, {looked.changes.deleted} deleted, "
                f"{looked.changes.same} as before"
            )

    def _follow_admissions(self) -> None:
        """Order what follows from each admission whose patient's limits are shown by now."""
        pending = [one for log in self._logs.values() for one in log.pending]
        if not pending:
            return
        if not any(self._is_of_interest(one) for one in pending):
            self._let_go(pending)
            return
        board = {one.patient: one for one in read_board(self._settings, LIMITS, Limits, Skipped())}
        done, wanted = list[Admitted](), list[Wish]()
        for one in pending:
            limits = board.get(one.order.patient)
            if (
                limits is not None
                and limits.since_ts_ms is not None
                and limits.since_ts_ms >= one.accepted_ms
            ):
                wanted += wishes(one.order, limits, self._follower.now)
                done.append(one)
            elif time.time() * 1000 - one.accepted_ms >= SHOWN_S_MAX * 1000:
                self._say("an admission is let go: the limits in force are not shown")
                done.append(one)
        if wanted:
            now_ms = round(time.time() * 1000)
            post(self._settings, [wish.order(ACTOR.id, now_ms) for wish in wanted])
            self._say(f"{len(wanted)} orders for {len(done)} admissions")
        self._let_go(done)

    def _is_of_interest(self, one: Admitted) -> bool:
        ward = one.order.ward
        return ward is None or self._follower.now.says_of(ward)

    def _let_go(self, done: list[Admitted]) -> None:
        for log in self._logs.values():
            for one in [one for one in log.pending if one in done]:
                log.pending.remove(one)

    def _commit(self) -> None:
        offsets = {
            TopicPartition(self._commands, number): OffsetAndMetadata(log.done, "", -1)
            for number, log in self._logs.items()
            if log.done > 0
        }
        if not offsets:
            return
        try:
            self._consumer.commit(offsets)
        except CommitFailedError:  # the partitions are another's by now, who does it again
            self._logs.clear()
        except KafkaError as error:
            raise VigilError(f"how far admissions were followed could not be stored: {error}") from None

    def own(self, partitions: set[TopicPartition]) -> None:
        """Take note of what this process owns now; what is another's is forgotten."""
        numbers = {tp.partition for tp in partitions if tp.topic == self._commands}
        self._logs = {number: log for number, log in self._logs.items() if number in numbers}
        if TopicPartition(self._reference, 0) in partitions:
            self.is_owner.set()
        else:
            self.is_owner.clear()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python ships no types
    def __init__(self, refresher: Refresher) -> None:
        self._refresher = refresher

    def on_partitions_revoked(self, revoked: Any) -> None:
        self._refresher.is_member.clear()
        self._refresher.own(set())

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._refresher.own(set(assigned))
        self._refresher.is_member.set()
