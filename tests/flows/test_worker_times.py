"""Times of records that no broker has stamped: one from the future moves neither time itself nor a patient's."""

import json
import time

from kafka import KafkaProducer
from worker_flow import wait_until

from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.topics import READINGS

HOUR_MS = 3_600_000
STEADY_S = 4.0


def now_ms():
    return int(time.time() * 1000)


def frame(patient, seq, event_ts_ms, **readings):
    head = {"patient": patient, "device": f"mon-{patient}", "boot": 1, "seq": seq}
    return json.dumps(head | {"event_ts_ms": event_ts_ms} | readings).encode()


def test_a_tick_and_a_frame_an_hour_ahead_give_no_alarm_and_hold_up_no_other(make_ward):
    ward = make_ward(time_base="live")
    worker = ward.start_ready_worker()
    topic, seq = ward.settings.topic(READINGS), 0
    producer = KafkaProducer(bootstrap_servers=ward.settings.bootstrap, acks="all")

    def send(key, value, timestamp_ms):
        producer.send(topic, value, key=key, partition=0, timestamp_ms=timestamp_ms).get(timeout=15)

    def rules():
        return [alert["rule"] for alert in ward.alerts() if alert["phase"] == "start"]

    def steady(spo2):
        nonlocal seq
        seq += 1
        send(b"bed", frame("bed", seq, now_ms(), spo2=spo2), now_ms())
        time.sleep(0.5)

    try:
        steady(97)
        ahead_ms = now_ms() + HOUR_MS
        send(TICK_KEY, encode_tick(ahead_ms), ahead_ms)
        send(b"other", frame("other", 1, ahead_ms, spo2=97), ahead_ms)
        send(
            b"other", frame("other", 2, now_ms(), spo2=97), now_ms()
        )  # who sent a single one is no patient yet
        until_s = time.monotonic() + STEADY_S
        while time.monotonic() < until_s:
            steady(97)
        assert "silent-device" not in [
            alert["rule"]
            for alert in ward.alerts()
            if alert["patient"] == "bed" and alert["phase"] == "start"
        ]
        wait_until(lambda: steady(85) or "spo2-low" in rules(), "a limit alarm")
        # Both have gone silent, and ticks of the present find it out.
        wait_until(
            lambda: {a["patient"] for a in ward.alerts() if a["rule"] == "silent-device"} >= {"bed", "other"},
            "the alarms of silent devices",
        )
        assert worker.metric("vigil_clock_suspect_frames_total") == 1
    finally:
        producer.close()
