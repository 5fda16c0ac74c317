import json
import threading
from itertools import islice

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import simulator
from edge.burst import Burst, Schedule
from edge.commands.simulate import line, losses
from edge.physiology import Ward
from edge.simulator import OpenLoop, PlannedFrame, check_options, planned_frames, simulate
from streams.config.settings import Settings
from streams.contracts.frame import Frame
from streams.contracts.topics import COMMANDS
from streams.errors import UsageError
from streams.kafka.log_end import read_whole

START_MS = 1_700_000_000_000


class Outlet:
    """Takes frames while it has room; `settle` acknowledges them all."""

    def __init__(self, room=10**9):
        self.room = room
        self.taken = []
        self.acknowledged = 0
        self.failed = 0

    @property
    def in_flight(self):
        return len(self.taken) - self.acknowledged - self.failed

    def oldest_s(self):
        return 12.0 if self.in_flight else 0.0

    def send(self, key, value):
        if self.in_flight >= self.room:
            return None
        self.taken.append((key, value))
        return len(self.taken)

    def settle(self):
        self.acknowledged = len(self.taken) - self.failed


def plan(count, every_s=0.1):
    return iter([PlannedFrame(number * every_s, b"bed", b"%d" % number) for number in range(count)])


def frames(beds=5, rate_hz=1.0, bursts=(), seed=0, seconds=10.0):
    planned = planned_frames(Ward(beds, seed), Schedule(beds, rate_hz, bursts), START_MS, seconds)
    return [(frame.due_s, frame.key, Frame.model_validate_json(frame.value)) for frame in planned]


def test_every_frame_keeps_the_public_contract_and_its_key_is_the_patient():
    for due_s, key, frame in frames(rate_hz=2.0):
        assert key == frame.patient.encode()
        assert frame.event_ts_ms == START_MS + round(due_s * 1000)
        assert frame.interval_ms == 500


def test_a_device_counts_its_frames_without_a_hole():
    for bed in range(1, 6):
        seqs = [frame.seq for _, key, frame in frames() if key == f"bed-{bed:04d}".encode()]
        assert seqs == list(range(10))
    assert {frame.boot for _, _, frame in frames()} == {START_MS}


def test_a_run_sends_what_its_seconds_hold_bursts_included():
    assert len(frames(beds=5, seconds=10)) == 50
    assert len(frames(beds=5, seconds=10, bursts=[Burst(4, 2, 3)])) == 50 + 5 * 3 * 3


def test_without_a_length_the_plan_goes_on():
    endless = planned_frames(Ward(3, 0), Schedule(3, 1.0), START_MS, None)
    assert len(list(islice(endless, 1_000))) == 1_000


def test_the_same_seed_sends_the_same_bytes():
    once, again = (
        [frame.value for frame in planned_frames(Ward(5, 9), Schedule(5, 1.0), START_MS, 5)] for _ in range(2)
    )
    assert once == again


def test_frames_leave_when_they_are_due_and_not_before():
    outlet = Outlet()
    loop = OpenLoop(plan(10), outlet)
    loop.advance(0.35)
    assert [value for _, value in outlet.taken] == [b"0", b"1", b"2", b"3"]
    assert loop.due_s == pytest.approx(0.4)


def test_a_broker_without_room_does_not_slow_the_plan_down():
    outlet = Outlet(room=2)
    loop = OpenLoop(plan(10), outlet)
    loop.advance(0.95)
    progress = loop.progress(0.95)
    assert (progress.planned, progress.sent, progress.waiting, progress.refused) == (10, 2, 8, 0)


def test_waiting_frames_leave_in_order_when_there_is_room_again():
    outlet = Outlet(room=2)
    loop = OpenLoop(plan(10), outlet)
    loop.advance(0.95)
    while loop.waiting:
        outlet.settle()
        loop.flush(2.0)
    assert [value for _, value in outlet.taken] == [b"%d" % number for number in range(10)]


def test_the_queue_refuses_and_counts_what_exceeds_it_at_limit():
    loop = OpenLoop(plan(10), Outlet(room=0), queue_max=4)
    loop.advance(0.95)
    progress = loop.progress(0.95)
    assert (progress.waiting, progress.refused) == (4, 6)
    assert progress.fell_behind_s == 1


def test_a_full_queue_is_emptied_before_a_frame_is_refused():
    outlet = Outlet()
    loop = OpenLoop(plan(10), outlet, queue_max=1)
    loop.advance(0.95)
    assert loop.progress(0.95).refused == 0
    assert len(outlet.taken) == 10


def test_lateness_is_measured_from_the_planned_time():
    loop = OpenLoop(plan(100, every_s=0.0), Outlet())
    loop.advance(0.25)
    assert loop.progress(0.25).behind_p99_ms == 250
    assert loop.progress(0.25).behind_p99_ms == 0, "nothing was late since the last report"
    assert loop.progress(0.25, whole_run=True).behind_p99_ms == 250


def test_seconds_in_which_it_fell_behind_are_counted_once_each():
    outlet = Outlet(room=0)
    loop = OpenLoop(plan(1), outlet)
    for now_s in (0.0, 0.5, 0.9, 1.5, 1.9):
        loop.advance(now_s)
    assert loop.progress(1.9).fell_behind_s == 2


def test_one_look_at_the_clock_covers_a_bounded_number_of_frames_at_limit():
    outlet = Outlet()
    loop = OpenLoop(plan(simulator.ADVANCE_FRAMES_MAX + 1, every_s=0.0), outlet)
    loop.advance(1.0)
    assert len(outlet.taken) == simulator.ADVANCE_FRAMES_MAX
    loop.advance(1.0)
    assert loop.due_s is None


@given(
    steps=st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 5)), max_size=30),
    queue_max=st.integers(1, 5),
)
def test_every_planned_frame_is_in_exactly_one_count(steps, queue_max):
    outlet = Outlet()
    loop = OpenLoop(plan(100), outlet, queue_max=queue_max)
    now_s = 0.0
    for step_s, settles, room in steps:
        now_s += step_s
        outlet.room = room
        loop.advance(now_s)
        if settles:
            outlet.settle()
        progress = loop.progress(now_s)
        assert progress.planned == progress.sent + progress.waiting + progress.refused
        assert progress.sent == progress.acknowledged + progress.failed + progress.in_flight


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((0, 1.0, None), "beds: 0"),
        ((100_001, 1.0, None), "beds: 100001"),
        ((1, 0.0, None), "rate: 0 Hz"),
        ((1, float("nan"), None), "rate: nan Hz"),
        ((1, 1001.0, None), "rate: 1001 Hz"),
        ((1, 1.0, 0.0), "seconds: 0"),
        ((1, 1.0, -5.0), "seconds: -5"),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(options, says):
    with pytest.raises(UsageError, match=says):
        check_options(*options)


def test_without_brokers_there_is_one_clear_line():
    with pytest.raises(UsageError, match="broker"):
        simulate(Settings(brokers=""), beds=1, seconds=1)


def test_a_negative_seed_is_refused():
    with pytest.raises(UsageError, match="seed: -1 is negative"):
        simulate(Settings(brokers="127.0.0.1:1"), seed=-1)


def test_overlapping_bursts_are_refused_before_anything_is_sent():
    with pytest.raises(UsageError, match="overlap"):
        simulate(Settings(brokers="127.0.0.1:1"), bursts=[Burst(2, 0, 5), Burst(2, 1, 5)])


def test_a_run_on_a_broker_sends_acknowledges_and_reports_everything(broker_settings):
    reports = []
    done = simulate(
        broker_settings, beds=20, rate_hz=5.0, bursts=[Burst(3, 0.5, 0.5)], seconds=1.5, report=reports.append
    )
    assert done.planned == done.acknowledged == 20 * 5 * 1.5 + 20 * 5 * 2 * 0.5
    assert (done.failed, done.refused, done.waiting, done.in_flight) == (0, 0, 0, 0)
    assert reports
    assert reports[-1].planned <= done.planned


def test_a_simulated_ward_says_that_its_patients_are_adults(broker_settings):
    simulate(broker_settings, beds=3, seconds=0.1)
    said = [
        json.loads(record.value)["content"]["order"]
        for record in read_whole(broker_settings, broker_settings.topic(COMMANDS))
    ]
    adults = {one["patient"] for one in said if (one["kind"], one["age_band"]) == ("set-profile", "adult")}
    assert adults >= {"bed-0001", "bed-0002", "bed-0003"}


def test_a_stop_ends_a_run_without_length(broker_settings):
    stop = threading.Event()
    done = simulate(broker_settings, beds=5, rate_hz=10.0, stop=stop, report=lambda _: stop.set())
    assert done.elapsed_s < 4
    assert done.acknowledged == done.planned > 0


@pytest.fixture(scope="module")
def broker_settings():
    from edge.brokers.embedded import EmbeddedBroker
    from streams.kafka.admin import apply_topics

    with EmbeddedBroker() as broker:
        settings = Settings(brokers=broker.bootstrap)
        apply_topics(settings)
        yield settings


def test_the_bytes_are_compact_json():
    value = next(planned_frames(Ward(1, 0), Schedule(1, 1.0), START_MS, 1)).value
    assert msgspec.json.encode(msgspec.json.decode(value)) == value
    assert len(value) < 700


def test_what_is_on_its_way_without_an_answer_and_what_was_lost_are_said():
    outlet = Outlet()
    loop = OpenLoop(plan(10), outlet)
    loop.advance(1.0)
    outlet.failed = 3
    silent = loop.progress(1.0)
    assert "on their way 7 (no answer for 12 s), waiting 0" in line(silent)
    assert losses(silent).startswith("lost: 3 frames that the broker did not acknowledge in time")
    assert losses(silent).endswith("left unsent or unanswered: 7")
    outlet.failed = 0
    outlet.settle()
    assert "on their way 0, waiting 0" in line(loop.progress(1.0))
    assert losses(loop.progress(1.0)) == ""
