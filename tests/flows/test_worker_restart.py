"""Workers that die, leave and share: what they wrote together is what the log says, no more and no less."""

import threading
import time

import pytest
from worker_flow import frame, wait_until, ward_log

BEDS = [f"bed-{number}" for number in range(10)]
SECONDS = 90


class Stream(threading.Thread):
    """Sends a ward's log second by second, many times faster than it was measured, until its end."""

    def __init__(self, ward, pause_s):
        super().__init__(daemon=True)
        self._ward, self._pause_s = ward, pause_s
        self.sent = 0
        self.start()

    def run(self):
        for records in ward_log(BEDS, SECONDS):
            self._ward.send_all(records)
            self.sent += 1
            time.sleep(self._pause_s)  # spreads the log over the test; nothing is waited for

    def is_past(self, share):
        return self.sent >= SECONDS * share


def test_after_a_kill_pending_delays_and_open_alarms_go_on_where_they_were(make_ward):
    ward = make_ward()
    first = ward.start_ready_worker()
    before = [frame(bed, t, spo2=97 if t < 8 else 85, hr=140) for t in range(10) for bed in BEDS]
    ward.send_all((BEDS.index(key.decode()) % 2, key, value) for key, value in before)
    ward.wait_for_alerts(ward.expected())
    wait_until(lambda: ward.committed() == ward.log_end(), "a checkpoint of everything")
    first.kill()
    after = [frame(bed, t, spo2=85, hr=80) for t in range(10, 14) for bed in BEDS]
    ward.send_all((BEDS.index(key.decode()) % 2, key, value) for key, value in after)
    second = ward.start_ready_worker()
    expected = ward.expected()
    ward.wait_for_alerts(expected)
    by_bed = [alert for alert in expected.values() if alert["patient"] == BEDS[0]]
    assert [
        (alert["rule"], alert["phase"], alert["onset_ts_ms"], alert["event_ts_ms"]) for alert in by_bed
    ] == [
        ("hr-high", "start", 0, 3_000),
        ("hr-high", "end", 0, 10_000),
        ("spo2-low", "start", 8_000, 13_000),
    ]
    assert second.metric("vigil_readings_total") == 2 * len(after)
    assert second.metric("vigil_patients") == len(BEDS)


def test_no_alert_is_lost_or_changed_when_a_worker_is_killed_in_the_middle_of_the_stream(make_ward):
    ward = make_ward()
    first = ward.start_ready_worker()
    stream = Stream(ward, pause_s=0.03)
    wait_until(lambda: stream.is_past(0.4) and max(ward.committed()) > 0, "the middle of the stream")
    first.kill()
    ward.start_ready_worker()
    stream.join(30)
    ward.wait_for_alerts(ward.expected())


@pytest.mark.parametrize("leave", ["terminate", "kill"])
def test_two_workers_share_the_partitions_and_none_of_their_alerts_is_lost_when_one_leaves(make_ward, leave):
    ward = make_ward()
    workers = [ward.start_worker(), ward.start_worker()]
    wait_until(
        lambda: all(worker.metric("vigil_partitions_assigned") == 1 for worker in workers),
        "one partition each",
    )
    stream = Stream(ward, pause_s=0.03)
    wait_until(lambda: stream.is_past(0.4), "the middle of the stream")
    getattr(workers[0], leave)()
    wait_until(lambda: workers[1].metric("vigil_partitions_assigned") == 2, "both partitions at the other")
    stream.join(30)
    ward.wait_for_alerts(ward.expected())
    assert workers[1].is_ready()


def test_a_silent_device_starts_and_ends_a_technical_alarm_by_the_ticks_of_the_worker(make_ward):
    ward = make_ward(time_base="live")
    ward.start_ready_worker()

    def send(seq):
        now_s = time.time()
        key, value = frame("bed-1", seq, hr=80)
        ward.send(
            0, key, value.replace(b'"event_ts_ms": %d' % (seq * 1000), b'"event_ts_ms": %d' % (now_s * 1000))
        )

    def phases():
        return [alert["phase"] for alert in ward.alerts() if alert["rule"] == "silent-device"]

    send(0)
    send(1)  # of a single frame nobody knows whether more should come
    wait_until(lambda: phases() == ["start"], "the alarm of a silent device")
    send(2)
    wait_until(lambda: phases()[:2] == ["start", "end"], "its end")
    start = next(alert for alert in ward.alerts() if alert["rule"] == "silent-device")
    assert (start["type"], start["priority"]) == ("technical", "low")
    assert start["evidence"]["silent_s"] >= 4
    ward.wait_for_alerts(ward.expected())
