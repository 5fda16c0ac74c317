"""Bytes of a record of each kind on the log: a patient's stay, judged by a worker's code and written by its encoders.

A record that travels alone is the worst case, and under a frame a second and device it is the usual one: so each is
counted with a batch of its own around it, but for those that workers write in batches.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata
from kafka.record import MemoryRecordsBuilder

from agents.judging.alert_facts import encoded
from agents.judging.judge import Judge
from agents.shown import Shown
from bench.sizing.topic_loads import CHANGELOG
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from streams.contracts.alert import Alert
from streams.contracts.deliveries import Delivery
from streams.contracts.escalations import Told
from streams.contracts.frame import TICK_KEY, Frame, encode_tick
from streams.contracts.patient_state import Heartbeat
from streams.contracts.topics import COMMANDS, DAY_MS, READINGS, WARDS
from streams.decoding.decoder import Decoder
from streams.kafka.log_file import LoggedRecord
from tables.changelog.checkpoint import CHUNK
from tables.changelog.record import encode
from tables.changelog.record_layout import alarm_key
from tables.windows import BUCKET_MS, SLOTS

STAY_S: Final = SLOTS * BUCKET_MS // 1000
"""Windows are full after so long: a record does not grow any more."""

SICK_S: Final = (300, 420)
"""In between the heart rate is beyond its limit: alarms begin, are reminded of and end."""

T0_MS: Final = 1_780_000_000_000
PATIENT: Final = "8c1f0f6e2d7a4b5c"
"""As long as the ids that gateways make of record numbers (edge/gateway/opaque_ids.py)."""

WORKERS, PARTITIONS = 16, 1_024
"""A group whose members' words are weighed."""

MEASURED: Final = ("hr", "spo2", "resp", "pulse", "abp_sys", "abp_dia", "abp_mean", "temp", "etco2", "fio2")
"""Signals in the order in which a plan takes them."""

WELL: Final = {"hr": 78, "spo2": 97, "resp": 16, "pulse": 78, "abp_sys": 121, "abp_dia": 74, "abp_mean": 89}
WELL_TOO: Final = {"temp": 37.1, "etco2": 38.0, "fio2": 21.0}
SICK_HR: Final = 171
_UNCOMPRESSED, _MAGIC, _BATCH_BYTES = 0, 2, 1 << 30


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a record of each kind on the log, key and what Kafka puts around it included.

    `patient` is the state of one patient in the changelog, `shown` what boards read of the same; `member` is what a
    worker tells its group for each partition there is.
    """

    frame: float
    tick: float
    alert: float
    told: float
    delivery: float
    heartbeat: float
    patient: float
    shown: float
    member: float


def sizes(devices: int, signals: int) -> Sizes:
    """Return the sizes where each patient has so many devices that measure so many signals, up to `len(MEASURED)`.

    Every device measures the same ones: the worst that a patient's state can be.
    """
    judge = Judge(DEFAULT_RULES, TimeRules(recorded=True), DAY_MS)
    table, decoder = judge.new_table(), Decoder()
    records = stay(devices, signals)
    told: list[bytes] = []
    for begin in range(0, len(records), 4_000):
        verdict = judge.judge(table, decoder.decode(records[begin : begin + 4_000]))
        told += [encoded(judge.alarms[one.column], one) for one in verdict.transitions]
    keys = np.array([alarm_key(alarm) for alarm in table.alarms], np.uint64)
    state = encode(table, np.array([table.row_of[PATIENT]]), keys)[0]
    shown = Shown(judge).patients(table, [PATIENT], {})[0]
    assert shown is not None
    assert told, "an hour without an alarm has no size of alerts"
    key, frame = PATIENT.encode(), next(one.value for one in records if one.key != TICK_KEY)
    assert frame is not None
    return Sizes(
        frame=on_the_log(key, frame),
        tick=on_the_log(TICK_KEY, encode_tick(T0_MS)),
        alert=sum(on_the_log(key, one) for one in told) / len(told),
        told=sum(on_the_log(key, _told(one)) for one in told) / len(told),
        delivery=on_the_log(key, _delivery(Alert.model_validate_json(told[0]))),
        heartbeat=on_the_log(b"000", _heartbeat()),
        patient=on_the_log(key, state, CHUNK),
        shown=on_the_log(key, shown, CHUNK),
        member=_member_bytes() / PARTITIONS,
    )


def on_the_log(key: bytes, value: bytes, together: int = 1) -> float:
    """Return a record's bytes as part of a batch of so many alike, not compressed: nothing of ours compresses."""
    builder = MemoryRecordsBuilder(magic=_MAGIC, compression_type=_UNCOMPRESSED, batch_size=_BATCH_BYTES)
    for _ in range(together):
        builder.append(timestamp=T0_MS, key=key, value=value)
    builder.close()
    return len(builder.buffer()) / together


def stay(devices: int, signals: int) -> list[LoggedRecord]:
    """Return the frames and ticks of a patient's stay, one frame a second and device."""
    names = MEASURED[:signals]
    found: list[LoggedRecord] = []
    for second in range(STAY_S):
        now_ms = T0_MS + 1000 * second
        for device in range(devices):
            values = {name: value for name, value in (WELL | WELL_TOO).items() if name in names}
            if SICK_S[0] <= second < SICK_S[1] and "hr" in names:
                values["hr"] = SICK_HR
            frame = Frame(
                patient=PATIENT,
                device=f"monitor-{device:04d}",
                boot=1,
                seq=100_000 + second,
                event_ts_ms=now_ms,
                interval_ms=1000,
                **values,  # type: ignore[arg-type]
            )
            value = frame.model_dump_json(exclude_unset=True).encode()
            found.append(LoggedRecord(len(found), now_ms, PATIENT.encode(), value))
        found.append(LoggedRecord(len(found), now_ms, TICK_KEY, encode_tick(now_ms)))
    return found


def _member_bytes() -> int:
    """Return what one of `WORKERS` tells its group, by Faust's encoder: where every partition's state is."""
    share = PARTITIONS // WORKERS
    owned = [[*range(worker * share, (worker + 1) * share)] for worker in range(WORKERS)]
    metadata = ClientMetadata(
        assignment=ClientAssignment(
            actives=dict.fromkeys((READINGS, COMMANDS, WARDS), owned[-1]), standbys={}
        ),
        url="http://10.244.101.117:6066",
        changelog_distribution={
            f"http://10.244.101.{worker}:6066": {CHANGELOG: each} for worker, each in enumerate(owned)
        },
    )
    return len(metadata.dumps())


def _told(alert: bytes) -> bytes:
    told = Told(ward="icu-2", told_ts_ms=T0_MS, alert=Alert.model_validate_json(alert))
    return told.model_dump_json().encode()


def _delivery(alert: Alert) -> bytes:
    sent = Delivery(
        id="0011223344556677",
        alert=alert.id,
        episode=alert.episode,
        patient=alert.patient,
        ward="icu-2",
        rule=alert.rule,
        priority=alert.priority,
        step=1,
        recipient="nurse-0012",
        channel="pager",
        milestone="sent",
        at_ts_ms=T0_MS,
        attempt=1,
    )
    return sent.model_dump_json().encode()


def _heartbeat() -> bytes:
    beat = Heartbeat(
        partition=100,
        worker="vigil-worker-7f9c5b8d4-x2x8q-1",
        sent_ts_ms=T0_MS,
        judged_ts_ms=T0_MS,
        lag=0,
        open_alarms=120,
        waiting_s=0.001,
        windows="10.244.1.17:40001",
    )
    return beat.model_dump_json().encode()
