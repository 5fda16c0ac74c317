"""What a worker would write, on a schedule: an alarm of one bed after the other, and that bed's record after it."""

import time
from typing import Final

from bench.board.worlds import PRIORITIES
from streams.config.settings import Settings
from streams.contracts.alert import Alert, Evidence, Source, episode_id
from streams.contracts.patient_state import Heartbeat, LastValue, OpenAlarm, Patient
from streams.contracts.topics import ALERTS, HEARTBEAT, PATIENTS
from streams.kafka.producers import ORDERS, Producer

WATCHED: Final = "w"
BEDS: Final = 40
"""Of the ward that everybody watches."""

OTHER_BEDS, OTHER_S = 150, 0.5
"""Of another ward, and how often the values of all of them change: only who watches every ward is sent them."""

SIGNALS: Final = ("hr", "pulse", "spo2", "resp", "abp_sys", "abp_dia", "abp_mean", "temp")
BEAT_S: Final = 2.0
FILL_S_MAX: Final = 10.0


class Ward:
    """Writes a ward's records; `told` has the onset of each alarm, which names it, and when it was handed over, ms."""

    def __init__(self, settings: Settings) -> None:
        self._partitions = settings.partitions
        self._alerts = Producer(settings, ORDERS, settings.topic(ALERTS))
        self._patients = Producer(settings, ORDERS, settings.topic(PATIENTS))
        self._beats = Producer(settings, ORDERS, settings.topic(HEARTBEAT))
        self._open: dict[str, OpenAlarm] = {}
        self.told: list[int] = []

    def fill(self) -> None:
        """Write every bed once."""
        for bed in range(BEDS):
            self._show(_name(bed), _now_ms())
        self._show_others()
        until_s = time.monotonic() + FILL_S_MAX
        while self._patients.in_flight and time.monotonic() < until_s:
            time.sleep(0.05)

    def run(self, seconds: float, rate_hz: float) -> None:
        """Write so many alarms a second for so long."""
        begun_s, beaten_s, shown_s = time.monotonic(), float("-inf"), float("-inf")
        for number in range(int(seconds * rate_hz)):
            due_s = begun_s + number / rate_hz
            while (left_s := due_s - time.monotonic()) > 0:
                if time.monotonic() - shown_s > OTHER_S:
                    shown_s = time.monotonic()
                    self._show_others()
                time.sleep(min(left_s, 0.05))
            if time.monotonic() - beaten_s > BEAT_S:
                beaten_s = time.monotonic()
                self._beat()
            self._alarm(_name(number % BEDS))

    def calm(self) -> None:
        """End every alarm, so that what runs next begins as what ran before."""
        for patient, alarm in sorted(self._open.items()):
            self._send(patient, alarm, 1, _now_ms())
        for patient in sorted(self._open):
            del self._open[patient]
            self._show(patient, _now_ms())

    def close(self) -> None:
        """Let Kafka go."""
        for producer in (self._alerts, self._patients, self._beats):
            producer.close()

    def _alarm(self, patient: str) -> None:
        now_ms = _now_ms()
        if (before := self._open.pop(patient, None)) is not None:
            self._send(patient, before, 1, now_ms)
        rule = next(iter(PRIORITIES))
        episode = episode_id(patient, rule, now_ms)
        alarm = OpenAlarm(rule=rule, episode=episode, state="active", priority="medium", onset_ts_ms=now_ms)
        self._open[patient] = alarm
        self._send(patient, alarm, 0, now_ms)
        self.told.append(now_ms)
        self._show(patient, now_ms)

    def _send(self, patient: str, alarm: OpenAlarm, number: int, now_ms: int) -> None:
        alert = Alert(
            id=f"{alarm.episode}-{number}",
            episode=alarm.episode,
            patient=patient,
            rule=alarm.rule,
            event="MDC_EVT_LO",
            source=Source(kind="signal", name="spo2", unit="%"),
            phase="end" if number else "start",
            state="inactive" if number else "active",
            priority="medium",
            type="physiological",
            onset_ts_ms=alarm.onset_ts_ms,
            event_ts_ms=now_ms,
            append_ts_ms=now_ms,
            evidence=Evidence(value=84.0, low=90.0, delay_s=15.0),
            reason="oxygen saturation 84 %, below 90 for 15 s",
        )
        self._alerts.send(patient.encode(), alert.model_dump_json().encode())

    def _show_others(self) -> None:
        for bed in range(OTHER_BEDS):
            self._show(f"other-{bed:04d}", _now_ms(), "other")

    def _show(self, patient: str, now_ms: int, ward: str = WATCHED) -> None:
        record = Patient(
            patient=patient,
            ward=ward,
            seen_ts_ms=now_ms,
            pause=None,
            pause_until_ts_ms=None,
            alarms=(self._open[patient],) if patient in self._open else (),
            values={name: LastValue(value=80.0, ts_ms=now_ms) for name in SIGNALS},
            judged_ts_ms=now_ms,
        )
        self._patients.send(patient.encode(), record.model_dump_json().encode())

    def _beat(self) -> None:
        now_ms = _now_ms()
        for partition in range(self._partitions):
            beat = Heartbeat(
                partition=partition,
                worker="bench",
                sent_ts_ms=now_ms,
                judged_ts_ms=now_ms,
                lag=0,
                open_alarms=0,
                waiting_s=0.0,
            )
            key = str(partition).encode()
            self._beats.send(key, beat.model_dump_json().encode(), partition=partition)


def _name(bed: int) -> str:
    return f"bed-{bed:04d}"


def _now_ms() -> int:
    return int(time.time() * 1000)
