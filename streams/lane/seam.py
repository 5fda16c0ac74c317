"""Where Vigil deviates from Faust, mode and aiokafka: the table of all deviations, and what puts them in place.

Each is small, has a file and a test of its own, and is to go when its last column comes true. A deviation changes an
object of theirs (`install` does that, and nothing else does), overrides a method, or calls what is private. What is
private to them is named in this folder only; `touches` lists it. docs/design.md shows the table.
"""

from dataclasses import dataclass
from typing import Any, Final

from streams.lane.checksums import check_in_hardware
from streams.lane.fetch_requests import ask_for_committed
from streams.lane.fetched import FetchedResults, OnFault, Opening
from streams.lane.lane import LanePlan
from streams.lane.leaving import Leaving
from streams.lane.whole_responses import gather_large_responses

CORRECTNESS: Final = "none: correctness"
NONE_FILED: Final = "none filed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One thing that Vigil does otherwise than the library below it.

    Attributes:
        name: short, unique.
        of: the library.
        files: where it is implemented, from the repository's root.
        what: what is done otherwise.
        why: what the library does, and what that costs.
        gain: what was measured, with its unit; or `CORRECTNESS`.
        test: `path::function` of the test that fails when it, or what it relies on, is no longer so.
        upstream: issues and pull requests about it, `owner/repository#number`; or `NONE_FILED`.
        remove_when: what must become true for it to go.
        touches: private names of the library that it calls, changes or overrides.
    """

    name: str
    of: str
    files: tuple[str, ...]
    what: str
    why: str
    gain: str
    test: str
    upstream: str = NONE_FILED
    remove_when: str
    touches: tuple[str, ...] = ()


def install(consumer: Any, lane: LanePlan, leaving: Leaving, on_fault: OnFault) -> None:
    """Change what is foreign: for the whole process, of this consumer, and of its parts.

    To be called twice: before the consumer connects, and when it has, because only then it has parts.

    Args:
        consumer: an aiokafka consumer.
        lane: what runs block by block.
        leaving: how far the worker is with its end.
        on_fault: told of batches that cannot be opened.
    """
    fetcher = consumer._fetcher
    if fetcher is None:
        gather_large_responses()
        check_in_hardware(consumer)
        ask_for_committed(consumer, lane.fetch_wait_ms)
        lane.watch_client(consumer._client)
        return
    opening = Opening(lane.in_blocks, on_fault, lane.stamp, lane.changelogs | lane.rebuilt, lane.raw)
    fetcher._records = FetchedResults(opening, fetcher._records)
    leaving.keep_out(consumer._coordinator)


_CONSUMER: Final = "streams/lane/block_consumer.py"
_FETCHING: Final = "streams/lane/fetching.py"

DEVIATIONS: Final = (
    Deviation(
        name="one event loop",
        of="Faust, mode",
        files=("streams/lane/one_loop.py",),
        what="Faust's Kafka consumer runs in the worker's own event loop",
        why="Faust gives it a thread with a loop of its own: two threads wait for one interpreter lock",
        gain="drains, frames/s per core: 172,665 and 169,963 before, 195,023 and 191,221 after",
        test="tests/streams/test_one_loop.py::test_it_runs_in_the_loop_that_starts_it_and_ends_without_ending_others",
        upstream="robinhood/faust#231 (merged: brought the thread)",
        remove_when="Faust can run the consumer in the loop of its app",
        touches=("_serve", "_ensure_consumer", "_fetch_records", "_gather_remaining_tasks"),
    ),
    Deviation(
        name="blocks instead of records",
        of="Faust",
        files=("streams/lane/lane.py", "streams/lane/block.py", _CONSUMER, _FETCHING),
        what="an agent gets one event for all that a fetch brought of a topic, as blocks of its partitions",
        why="Faust makes an event of each record, which costs tasks, queues and turns of the loop",
        gain="2,700 to over 100,000 frames/s per core; then, all blocks of a fetch in one event instead of one each: "
        "221,421 and 200,580 before, 239,636 and 266,533 after",
        test="tests/streams/test_lane.py::"
        "test_what_a_fetch_brings_of_a_topic_is_one_event_in_which_partitions_take_turns_block_by_block",
        upstream="robinhood/faust#563 (open: some 300 messages a second)",
        remove_when="Faust hands over batches of undecoded records",
        touches=("_to_message", "_new_consumer_thread", "_fetch_records"),
    ),
    Deviation(
        name="changelog in blocks",
        of="Faust",
        files=("streams/lane/lane.py", "streams/lane/block_table.py"),
        what="recovery reads the changelog block by block, into a store of columns",
        why="Faust recovers record by record, 2,200 to 2,500 records/s",
        gain="400 to 16 us a record in all (10,000 patients)",
        test="tests/streams/test_changelog_recovery.py::"
        "test_recovery_ends_when_the_last_record_came_wherever_blocks_are_cut_and_compaction_left_gaps",
        remove_when="Faust's recovery hands a store the records of a fetch at once",
        touches=("_new_store",),
    ),
    Deviation(
        name="batches as they were parsed",
        of="aiokafka",
        files=("streams/lane/fetched.py", "streams/lane/seam.py"),
        what="a partition's fetched batches are taken whole, as the C parser made their records",
        why="aiokafka yields records one by one and copies each into an object of eleven fields",
        gain="fetch and parse from 1.5 to below 0.8 us a frame",
        test="tests/streams/test_fetched.py::test_the_same_records_come_out_and_the_same_is_fetched_next",
        remove_when="aiokafka offers the records of a batch without copies",
        touches=(
            *(
                "_records",
                "_partition_records",
                "_records_iterator",
                "_tp",
                "_check_crcs",
                "_isolation_level",
            ),
            *("_aborted_producers", "_consume_aborted_up_to", "_contains_abort_marker", "_fetcher"),
        ),
    ),
    Deviation(
        name="readings stay bytes",
        of="aiokafka",
        files=("streams/lane/raw_batches.py", "streams/lane/checksums.py"),
        what="compiled code finds the records of readings in the bytes of their batch; anything odd goes to aiokafka",
        why="aiokafka's parser makes an object of each record, whose value is then looked through once more",
        gain="190 to 66 ns a frame to open a batch of 4,000",
        test="tests/streams/test_raw_batches.py::test_the_same_records_count_whoever_opens_their_batches",
        remove_when="aiokafka hands over a batch's records as places in its bytes",
        touches=(),
    ),
    Deviation(
        name="checksums in hardware",
        of="aiokafka",
        files=("streams/lane/checksums.py",),
        what="the checksum of a fetched batch is computed with the processor's instruction for it",
        why="aiokafka computes it step by step; and it passes over a first batch that came cut off",
        gain="3 % of a worker's time in a drain",
        test="tests/streams/test_checksums.py::"
        "test_aiokafka_takes_what_a_fetch_brought_by_the_name_that_is_replaced_and_checks_nothing_itself",
        remove_when="aiokafka uses the instruction, or takes a checksum function",
        touches=("_check_crcs",),
    ),
    Deviation(
        name="whole responses",
        of="aiokafka",
        files=("streams/lane/whole_responses.py",),
        what="large responses are gathered in pieces and joined once",
        why="asyncio's reader puts each piece behind the others in one buffer, and copies what is there again",
        gain="4 % of a drain: a fetch of 4 MB takes 3 ms of processor time instead of 6",
        test="tests/streams/test_whole_responses.py::test_the_connections_of_a_worker_do",
        remove_when="aiokafka reads into a buffer of the response's size",
        touches=("_create_reader_task", "_reader"),
    ),
    Deviation(
        name="the client pauses too",
        of="Faust, aiokafka",
        files=("streams/lane/client_pauses.py", _FETCHING),
        what="what Faust pauses is paused in the Kafka client",
        why="Faust only leaves records untaken; until they are taken the client holds back its node's next fetch",
        gain="100 ms without a reading less, once for each partition of a worker after every assignment",
        test="tests/streams/test_client_pauses.py::"
        "test_faust_does_not_tell_the_client_itself_and_the_client_holds_back_a_nodes_fetch",
        upstream="aio-libs/aiokafka#304 (closed: the client can pause since then)",
        remove_when="Faust calls the client's `pause` and `resume`",
        touches=(
            *("_subscription", "_fetcher", "_records", "_notify", "_wait_consume_future"),
            *("_paused_partitions", "_ensure_consumer"),
        ),
    ),
    Deviation(
        name="short waits at the broker",
        of="Faust",
        files=("streams/lane/fetch_requests.py",),
        what="the broker holds an empty fetch for as long as the settings say, and for 5 ms until all is judged",
        why="Faust fixes 1.5 s; a node answers one fetch at a time, and those of idle partitions are in the way",
        gain="recovery of 100,000 patients from 9.4 to 3.3 s (5 ms instead of 250)",
        test="tests/streams/test_fetch_requests.py::"
        "test_the_consumers_thread_fixes_how_long_the_broker_holds_an_empty_fetch",
        remove_when="Faust has a setting that a running consumer follows",
        touches=("_fetch_max_wait_ms", "_fetcher"),
    ),
    Deviation(
        name="committed records only",
        of="Faust",
        files=("streams/lane/fetch_requests.py",),
        what="records of transactions that were aborted or are still open are not read",
        why="Faust asks for this only where it has transactions of its own",
        gain=CORRECTNESS,
        test="tests/streams/test_fetch_requests.py::test_a_worker_reads_what_is_committed",
        remove_when="Faust has a setting for the isolation level",
        touches=("_isolation_level",),
    ),
    Deviation(
        name="no hole passes",
        of="Faust",
        files=("streams/lane/admission.py", _CONSUMER, _FETCHING),
        what="each block must begin where the one before it ended, or the log is read again",
        why="Faust empties the agent's queue when it resumes after a rebalance, with what was fetched since its seek",
        gain=CORRECTNESS,
        test="tests/streams/test_admission.py::"
        "test_whatever_deliveries_are_lost_doubled_or_late_every_record_is_admitted_once_in_order",
        upstream="faust-streaming/faust#216, #221 (closed), #596 (open)",
        remove_when="Faust empties its queues before it seeks; the check itself stays",
        touches=("_read_offset", "_seek_wait", "_thread"),
    ),
    Deviation(
        name="reading goes on where the state ends",
        of="Faust",
        files=(_CONSUMER,),
        what="a seek goes to the committed offset or an earlier one that the recovered state reaches, flow stopped",
        why="Faust seeks to what is committed, while the flow runs, and asks nobody",
        gain=CORRECTNESS,
        test="tests/streams/test_admission.py::"
        "test_judging_goes_on_before_what_is_committed_where_the_state_does_not_reach_so_far",
        upstream="faust-streaming/faust#216 (closed), #217 (merged)",
        remove_when="Faust lets an app choose the offset after a recovery",
        touches=("_committed_offset", "_wait_next_records"),
    ),
    Deviation(
        name="each partition as soon as it is whole",
        of="Faust",
        files=("streams/lane/early_start.py", _CONSUMER, _FETCHING),
        what="a partition whose changelog has been read is judged while those of others are still read",
        why="Faust lets none go on before all are recovered: what stays with a worker waits for what it takes over",
        gain="partitions that stay when a third worker comes or one is killed: silent for 0.2 and 0.3 s (1.6 and 1.9)",
        test="tests/streams/test_early_start.py::"
        "test_faust_asks_before_it_reads_and_after_each_record_whether_there_is_more_to_recover",
        remove_when="Faust resumes each partition when its own tables are recovered",
        touches=("_recovery", "_seek_offsets", "_committed_offset", "_ensure_consumer"),
    ),
    Deviation(
        name="no second is slept in a rebalance",
        of="Faust",
        files=(_CONSUMER,),
        what="while a rebalance goes on, what is to be read is asked anew each 20 ms",
        why="Faust's fetcher sleeps for a second when nothing is to be read, as between a recovery and its end, and "
        "waits as long for records of partitions that are not read any more",
        gain="a second of each takeover: 2.4 s to 1.5 s, with the row before",
        test="tests/streams/test_block_consumer.py::"
        "test_faust_sleeps_for_a_second_when_no_partition_is_to_be_read_and_the_lane_does_not",
        remove_when="Faust's fetcher wakes when partitions are resumed",
        touches=("_get_active_partitions", "_wait_next_records"),
    ),
    Deviation(
        name="commits of what is durable",
        of="Faust",
        files=(_CONSUMER,),
        what="an offset is committed when its alerts and records are acknowledged, and never sooner",
        why="Faust commits what an agent has acknowledged, past a record that is still in work",
        gain=CORRECTNESS,
        test="tests/streams/test_lane.py::test_a_commit_takes_what_was_declared_durable_at_once_and_only_once",
        upstream="faust-streaming/faust#606, #707 (open)",
        remove_when="Faust takes offsets to commit from its app",
        touches=(
            *("_unacked_messages", "_waiting_for_ack", "_add_gap", "_filter_tps_with_pending_acks"),
            "_new_offset",
        ),
    ),
    Deviation(
        name="handover before a partition goes",
        of="Faust",
        files=(_CONSUMER,),
        what="a worker finishes its block, makes all durable and commits, before partitions are revoked",
        why="Faust waits for acknowledgements and commits those",
        gain=CORRECTNESS,
        test="tests/streams/test_lane.py::"
        "test_handing_over_waits_for_the_block_in_work_then_commits_what_it_made_durable",
        remove_when="Faust awaits a function of the app before it commits for the last time",
        touches=("_unacked_messages", "_wait_for_ack", "_clean_unacked_messages"),
    ),
    Deviation(
        name="only a worker divides the partitions",
        of="Faust",
        files=("streams/lane/own_assignor.py",),
        what="an assignment that no worker has made stops the process before anything of it is judged",
        why="with a client of the newer protocol a broker may assign by itself; Faust cannot read what it has made",
        gain=CORRECTNESS,
        test="tests/streams/test_own_assignor.py::test_an_assignment_that_a_broker_has_made_stops_the_worker",
        remove_when="the broker lets a group refuse members of another protocol",
    ),
    Deviation(
        name="leaving once",
        of="Faust, aiokafka",
        files=("streams/lane/leaving.py", _CONSUMER, "streams/lane/seam.py"),
        what="a worker that ends hands over, leaves its group at once, and joins it no more",
        why="asked to join again while it ends, Faust closes the client in the middle of the handover",
        gain=CORRECTNESS,
        test="tests/streams/test_leaving.py::"
        "test_faust_still_closes_the_client_when_partitions_go_while_it_ends_and_ours_goes_on",
        remove_when="Faust ends its consumer after its agents and leaves the group itself",
        touches=("_do_rejoin_group", "_maybe_leave_group", "_closing", "_coordinator"),
    ),
    Deviation(
        name="a damaged batch stops its partition only",
        of="Faust, aiokafka",
        files=("streams/lane/log_faults.py", "streams/lane/fetched.py", _CONSUMER, _FETCHING),
        what="a batch that cannot be opened stops its partition, is tried again, and people are told",
        why="aiokafka raises out of the fetch of all partitions; a recovery would wait for ever",
        gain=CORRECTNESS,
        test="tests/streams/test_lane_faults.py::"
        "test_a_partition_that_cannot_be_opened_is_not_fetched_for_a_while_and_others_are",
        upstream="aio-libs/aiokafka#321 (open)",
        remove_when="aiokafka reports such a batch by partition and offset",
        touches=("_ensure_consumer",),
    ),
    Deviation(
        name="the next fetch is taken at once",
        of="Faust",
        files=(_CONSUMER,),
        what="when the agent that judges has room again, the next fetch is taken at once",
        why="Faust pauses a full agent's partitions and waits up to a second for records of others",
        gain="burst to 3,850 frames/s, an agent that waits 2 ms before each fetch: p99 1,148 to 34 ms",
        test="tests/streams/test_block_consumer.py::"
        "test_readings_are_taken_as_soon_as_their_agent_has_room_again_and_until_then_nothing_is",
        upstream="faust-streaming/faust#53 (closed), #55 (merged: brought the pausing)",
        remove_when="Faust's fetcher wakes when a buffer has room",
        touches=("_wait_next_records",),
    ),
    Deviation(
        name="no task for what need not wait",
        of="Faust, mode",
        files=("streams/lane/eager.py", _CONSUMER),
        what="a message is handed on without a task where the agent has room",
        why="mode makes four tasks for each message, and one for a sleep of nothing",
        gain="two workers in the burst to 4,000 frames/s: 0.81 to 0.76 of a core",
        test="tests/streams/test_block_consumer.py::"
        "test_a_message_is_handed_on_at_once_where_there_is_room_and_waits_for_the_flow_elsewhere",
        remove_when="Python 3.12 is the oldest that is supported, and mode starts eager tasks",
    ),
    Deviation(
        name="two producers, and batches as batches",
        of="Faust, aiokafka",
        files=("streams/lane/two_producers.py", "streams/lane/app.py"),
        what="records and batches go to aiokafka's producers, and what nobody waits for has one of its own",
        why="Faust sends records one by one, its buffer may drop one with a log line; of aiokafka's producer a broker "
        "gets one request at a time: alerts waited behind heartbeats and checkpoints",
        gain="31 to 5.5 us a record; ticks of 48 partitions stood for 1.8 s at once, now 0.2 s",
        test="tests/streams/test_two_producers.py::"
        "test_an_alert_waits_behind_nothing_that_nobody_waits_for_and_would_with_one_producer",
        upstream="faust-streaming/faust#108 (closed)",
        remove_when="Faust's producer sends batches, and aiokafka's several requests at a time",
        touches=("_ensure_producer", "_new_producer"),
    ),
    Deviation(
        name="an acknowledgement without a shield",
        of="aiokafka",
        files=("streams/lane/producer_shortcuts.py",),
        what="the gateway waits for the future of the producer's own batch",
        why="`send_batch` returns a shield around it, which is told a turn of the loop later, behind all else",
        gain="a third of what the gateway adds to a lone message",
        test="tests/streams/test_producer_shortcuts.py::"
        "test_an_acknowledgement_is_told_before_what_send_batch_returns",
        remove_when="aiokafka returns the batch's own future",
        touches=("_message_accumulator", "_batches"),
    ),
    Deviation(
        name="an end without delivery",
        of="aiokafka",
        files=("streams/lane/producer_shortcuts.py",),
        what="a producer that is given up fails what it holds, and nothing of that arrives later",
        why="`stop` delivers for as long as brokers are away; after it batches stay open, sockets deliver late",
        gain=CORRECTNESS,
        test="tests/streams/test_producer_shortcuts.py::test_what_a_given_up_producer_holds_fails_at_once",
        upstream="aio-libs/aiokafka#1101, #1013 (open)",
        remove_when="aiokafka's `stop` has a bound",
        touches=("_message_accumulator", "_sender", "_conns", "_writer"),
    ),
    Deviation(
        name="partitions are watched",
        of="Faust",
        files=("streams/lane/seam.py", "streams/lane/two_producers.py", _FETCHING),
        what="a worker stops when the number of partitions of its topics changes",
        why="Faust goes on, and new frames of a patient go to another partition than his state",
        gain=CORRECTNESS,
        test="tests/streams/test_partition_guard.py::"
        "test_the_clients_of_consumer_and_producer_are_watched_before_they_connect",
        remove_when="Faust tells its app of metadata",
        touches=("_client", "_new_producer", "_create_worker_consumer"),
    ),
)
"""All deviations."""
