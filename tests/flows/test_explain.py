"""Explaining an alert that a worker raised, from the topics of the embedded broker."""

import json
from contextlib import closing

import pytest
from alert_of import alert_of
from kafka import KafkaProducer

from edge import cli
from streams.config.settings import Settings
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.kafka.admin import apply_topics

PATIENT = b"bed-1"


def frame(second, spo2):
    content = {
        "patient": "bed-1",
        "device": "monitor-1",
        "boot": 0,
        "seq": second,
        "event_ts_ms": second * 1000,
    }
    return json.dumps({**content, "spo2": spo2, "hr": 80}).encode()


@pytest.fixture(scope="module")
def ward(make_ward):
    """A ward in whose log one patient's saturation falls at 20 s and rises at 40 s."""
    ward = make_ward()
    ward.start_ready_worker()
    values = [97] * 20 + [84] * 20 + [None] * 3 + [97] * 17
    ward.send_all((0, PATIENT, frame(second, spo2)) for second, spo2 in enumerate(values))
    ward.send_all((p, TICK_KEY, encode_tick(60_000)) for p in range(ward.settings.partitions))
    ward.wait_for_alerts(ward.expected())
    return ward


@pytest.fixture
def explain(ward, capsys):
    def explain(*arguments):
        options = ["--brokers", ward.settings.brokers, "--prefix", ward.settings.topic_prefix]
        code = cli.main(["explain", *arguments, *options])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return explain


def started(ward):
    return next(a for a in ward.alerts() if a["rule"] == "spo2-low" and a["phase"] == "start")


def test_an_alert_is_explained_by_its_sentence_and_the_readings_around_it(ward, explain):
    alert = started(ward)
    code, out, err = explain(alert["id"], "--before", "10", "--after", "20")
    assert (code, err) == (0, "")
    assert alert["reason"] in out
    assert "5 s after the onset" in out
    assert "oxygen saturation, %, 35 s" in out
    assert "╌" in out


def test_the_readings_are_those_of_the_stretch_and_no_others(ward, explain):
    alert = started(ward)
    code, out, _ = explain(alert["id"], "--before", "10", "--after", "20", "--json")
    assert code == 0
    data = json.loads(out)
    assert [one["t_ms"] for one in data["readings"]] == list(range(10_000, 46_000, 1000))
    assert [one["spo2"] for one in data["readings"]] == [97] * 10 + [84] * 20 + [None] * 3 + [97] * 3
    assert [event["phase"] for event in data["events"]] == ["start", "end"]


def test_an_episode_is_explained_by_its_newest_event(ward, explain):
    code, out, _ = explain(started(ward)["episode"], "--json")
    assert code == 0
    assert json.loads(out)["alert"]["phase"] == "end"


def test_the_plot_is_written_as_a_picture(ward, explain, tmp_path):
    code, out, _ = explain(started(ward)["id"], "--svg", str(tmp_path / "plot.svg"))
    assert code == 0
    assert out.endswith(f"picture: {tmp_path / 'plot.svg'}\n")
    assert (tmp_path / "plot.svg").read_text().startswith("<svg ")


def test_an_unknown_alert_is_wrong_usage(explain):
    code, out, err = explain("0123456789abcdef-0")
    assert (code, out) == (2, "")
    assert "no alert '0123456789abcdef-0'" in err


def test_an_alert_whose_readings_are_no_longer_kept_says_so(broker, capsys):
    settings = Settings(brokers=broker.bootstrap, topic_prefix="kept-not.", partitions=1)
    apply_topics(settings)
    with closing(KafkaProducer(bootstrap_servers=settings.bootstrap)) as producer:
        producer.send(
            settings.topic("vitals.alerts"), alert_of().model_dump_json().encode(), key=PATIENT
        ).get(timeout=5)
    assert cli.main(["explain", "e1-0", "--brokers", settings.brokers, "--prefix", "kept-not."]) == 1
    assert "no longer kept in kept-not.vitals.readings" in capsys.readouterr().err
