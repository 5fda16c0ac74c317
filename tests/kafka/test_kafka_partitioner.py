"""A gateway whose client places keys by another hash: its patients are judged, told of, and reached by orders."""

import json
import subprocess
import sys
import threading
import time
import uuid
import zlib
from contextlib import closing

import pytest
from kafka import KafkaProducer

from edge import cli
from edge.brokers.embedded import free_port
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.partitions import partitions_of
from streams.contracts.topics import ALERTS, READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.log_end import read_whole

PARTITIONS = 8
PATIENTS = ("crc-bed-1", "crc-bed-2", "crc-bed-3")
FLOW_S_MAX = 60.0
SEND_S = 0.5
RULES = """
[[rule]]
id = "spo2-low"
signal = "spo2"
low = 90
delay_s = 2
neonate = { low = 82 }
"""

pytestmark = pytest.mark.kafka


def crc32_of(patient: str) -> int:
    """Return the partition that librdkafka's default partitioner chooses."""
    return zlib.crc32(patient.encode()) % PARTITIONS


@pytest.fixture(scope="module")
def settings(kafka, tmp_path_factory):
    folder, name = tmp_path_factory.mktemp("partitioner"), uuid.uuid4().hex[:8]
    rules = folder / "rules.toml"
    rules.write_text(RULES)
    given = Settings(
        brokers=kafka.bootstrap,
        topic_prefix=f"{name}.",
        group=name,
        partitions=PARTITIONS,
        rules=rules,
        metrics_port=free_port(),
        data_dir=folder,
    )
    apply_topics(given)
    return given


def send_frames(settings: Settings, ended: threading.Event) -> None:
    with closing(KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")) as producer:
        seq = 0
        while not ended.is_set():
            for patient in PATIENTS:
                frame = {"patient": patient, "device": "m", "boot": 1, "seq": seq, "spo2": 85}
                frame["event_ts_ms"] = int(time.time() * 1000)
                value, partition = json.dumps(frame).encode(), crc32_of(patient)
                producer.send(
                    settings.topic(READINGS), key=patient.encode(), value=value, partition=partition
                )
            seq += 1
            ended.wait(SEND_S)


@pytest.fixture(scope="module")
def ward(settings):
    """A worker, and the frames of three patients where librdkafka's default puts them."""
    ended = threading.Event()
    command = [sys.executable, "-Pm", "agents"]
    with subprocess.Popen(command, env=worker_environment(settings), stderr=subprocess.PIPE) as worker:
        sender = threading.Thread(target=send_frames, args=(settings, ended))
        sender.start()
        try:
            yield settings
        finally:
            ended.set()
            sender.join()
            worker.terminate()
            worker.communicate(timeout=FLOW_S_MAX)


@pytest.fixture
def vigil(ward, capsys):
    def run(*arguments):
        code = cli.main([*arguments, "--brokers", ward.brokers, "--prefix", ward.topic_prefix])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def wait_for(found, what):
    end_s = time.monotonic() + FLOW_S_MAX
    while not (result := found()):
        assert time.monotonic() < end_s, f"no {what}"
        time.sleep(SEND_S)
    return result


def told(settings, rule, phase):
    """Return the alerts of a rule and phase, by patient."""
    alerts = [json.loads(record.value) for record in read_whole(settings, settings.topic(ALERTS))]
    return {alert["patient"]: alert for alert in alerts if (alert["rule"], alert["phase"]) == (rule, phase)}


def test_who_is_in_the_wrong_partition_is_told_of_once_and_judged_there(ward, vigil):
    home = dict(zip(PATIENTS, partitions_of(PATIENTS, PARTITIONS).tolist(), strict=True))
    misplaced = {patient for patient in PATIENTS if crc32_of(patient) != home[patient]}
    assert misplaced, "names that both hashes place alike prove nothing"
    wait_for(lambda: told(ward, "spo2-low", "start").keys() == {*PATIENTS}, "alarm of each patient")
    found = wait_for(lambda: told(ward, "misplaced-patient", "start"), "alarm of a misplaced patient")
    wait_for(lambda: told(ward, "misplaced-patient", "start").keys() == misplaced, "alarm of each of them")
    assert {alert["priority"] for alert in found.values()} == {"medium"}
    assert "misplaced-patient" in vigil("alarms", "list", "--json")[1]


def test_orders_take_effect_where_the_patient_is_judged(ward, vigil):
    started = wait_for(
        lambda: len(found := told(ward, "spo2-low", "start")) == len(PATIENTS) and found, "alarm of each"
    )
    for patient in PATIENTS:
        episode = started[patient]["episode"]
        assert vigil("alarms", "ack", patient, episode) == (
            0,
            "accepted: acknowledge by development\n",
            "",
        )
        profile = ("patients", "profile", patient, "--age-band", "neonate")
        assert vigil(*profile) == (0, "accepted: set-profile by development\n", "")
        order = ("limits", "set", patient, "spo2-low", "--low", "84", "--reason", "x")
        assert vigil(*order) == (0, "accepted: set-limits by development\n", "")
        assert told(ward, "spo2-low", "update")[patient]["acknowledged_by"] == "development"
    wait_for(lambda: told(ward, "spo2-low", "end").keys() == {*PATIENTS}, "end by the new limits")
    for patient in PATIENTS:
        shown = json.loads(vigil("limits", "show", patient, "--json")[1])
        assert (shown["age_band"], shown["limits"]["spo2-low"]["low"]) == ("neonate", 84.0)
    code, _, err = vigil("limits", "set", PATIENTS[0], "spo2-low", "--low", "500")
    assert code == 1
    assert "refused: limits of spo2" in err
