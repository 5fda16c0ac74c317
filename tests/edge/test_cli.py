import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from alert_of import alert_of
from kafka import KafkaProducer

from edge import cli
from edge.brokers.embedded import EmbeddedBroker, free_port
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.topics import TOPICS
from streams.kafka.admin import apply_topics
from streams.kafka.membership import Group, Member

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 20.0
COMMANDS = [
    "demo",
    "worker",
    "gateway",
    "board",
    "deliver",
    "simulate",
    "replay",
    "evaluate",
    "alerts",
    "explain",
    "alarms",
    "limits",
    "patients",
    "devices",
    "accounts",
    "history",
    "audit",
    "assign",
    "route",
    "report",
    "reference",
    "shadow",
    "top",
    "watch",
    "scale",
    "topics",
    "plan",
    "kafka",
    "drill",
    "doctor",
    "health",
    "version",
]


@pytest.fixture(scope="module")
def broker():
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture(autouse=True)
def untouched_environment(monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    for name in [name for name in os.environ if name.startswith("VIGIL_")]:
        monkeypatch.delenv(name)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def run(capsys):
    def run(*arguments):
        code = cli.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def an_alert(number, patient="bed-1", **more):
    said = {"id": f"e{number}-0", "episode": f"e{number}", "patient": patient}
    return alert_of(**said, **more)


def publish(settings, *values, topic="vitals.alerts"):
    apply_topics(settings)
    with closing(KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")) as producer:
        for value in values:
            producer.send(settings.topic(topic), value, key=b"bed-1", partition=0).get(timeout=5)


def test_help_names_every_command_and_every_exit_code(run):
    code, out, _ = run("--help")
    assert code == 0
    assert list(cli.COMMANDS) == COMMANDS
    for word in (*COMMANDS, "0    done", "2    wrong usage", "3    no broker", "4    data", "130"):
        assert word in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command):
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: vigil {command}" in out


def test_help_imports_no_command():
    code = (
        "import sys; from edge import cli; cli.main(['--help']); "
        "heavy = {'kafka', 'numpy', 'rich', 'faust', 'pydantic'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["nonsense"], "nonsense"),
        (["topics", "check", "--nonsense"], "--nonsense"),
        (["topics", "plan", "--partitions", "many"], "many"),
        (["topics", "plan", "--partitions", "0"], "partitions"),
        (["topics", "check", "--brokers", "no port"], "no port"),
        (["alerts"], "--brokers"),
        (["worker"], "--brokers"),
        (["simulate"], "--brokers"),
        (["simulate", "--brokers", "127.0.0.1:1", "--burst", "5x"], "5x"),
        (["demo", "--burst", "5x"], "5x"),
        (["demo", "--beds", "0"], "--beds"),
    ],
)
def test_wrong_usage_is_one_line_that_names_it_and_exit_code_2(run, arguments, names):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("vigil: ")
    assert err.count("\n") == 1
    assert names in err


def test_an_unknown_variable_is_wrong_usage(run, monkeypatch):
    monkeypatch.setenv("VIGIL_PARTITION", "3")
    code, _, err = run("topics", "plan")
    assert (code, err) == (2, "vigil: VIGIL_PARTITION: no such setting\n")


def test_a_broker_that_does_not_answer_is_exit_code_3_within_the_bound(run):
    started_s = time.monotonic()
    code, _, err = run("topics", "check", "--brokers", f"127.0.0.1:{free_port()}")
    assert code == 3
    assert err.count("\n") == 1
    assert "connection refused" in err
    assert time.monotonic() - started_s < 10


def test_versions_are_printed_as_json(run):
    code, out, _ = run("version", "--json")
    assert code == 0
    assert json.loads(out)["vigil"] == "0.1.0"


def test_topics_are_missing_then_created_then_as_planned(run, broker):
    options = ["--brokers", broker.bootstrap, "--prefix", "cli.", "--group", "cli"]
    code, out, err = run("topics", "check", *options)
    assert code == 1
    assert "cli.vitals.readings: topic is missing" in out
    assert err.startswith(f"vigil: {len(TOPICS) + 2} differences")  # and the changelogs
    assert run("topics", "apply", *options)[0] == 0
    code, out, _ = run("topics", "check", *options, "--json")
    assert (code, json.loads(out)["ok"]) == (0, True)


def test_the_plan_needs_no_broker(run):
    code, out, _ = run("topics", "plan", "--json", "--replication", "3")
    assert code == 0
    assert all(topic["config"]["min.insync.replicas"] == "2" for topic in json.loads(out))


def test_alerts_are_read_to_the_end_and_what_is_no_alert_is_counted(run, broker):
    settings = Settings(brokers=broker.bootstrap, topic_prefix="read.", group="read")
    known = [an_alert(1), an_alert(2, "bed-2", reason="\x1b[2Jsurprise")]
    publish(settings, *(alert.model_dump_json().encode() for alert in known), b"no alert")
    options = ["--brokers", broker.bootstrap, "--prefix", "read."]
    code, out, err = run("alerts", *options, "--json")
    assert code == 0
    assert [Alert.model_validate_json(text) for text in out.splitlines()] == known
    assert err.startswith(
        "vigil: skipped what cannot be read: 1 of read.vitals.alerts; the last: partition 0, offset 2: Invalid JSON"
    )
    assert err.count("\n") == 1
    code, out, _ = run("alerts", *options)
    assert "1970-01-01T00:00:15Z" in out
    assert "\x1b" not in out
    assert run("alerts", *options, "--patient", "bed-2")[1].count("\n") == 1
    assert run("alerts", *options, "--limit", "1")[1].count("\n") == 1
    assert run("alerts", *options, "--since", "now")[1] == ""


def test_an_alert_at_a_time_of_no_calendar_is_skipped_and_the_others_are_printed(run, broker):
    settings = Settings(brokers=broker.bootstrap, topic_prefix="calendar.", group="calendar")
    bad = an_alert(2, event_ts_ms=10**18)
    publish(settings, *(alert.model_dump_json().encode() for alert in (an_alert(1), bad, an_alert(3))))
    options = ["--brokers", broker.bootstrap, "--prefix", "calendar."]
    code, out, err = run("alerts", *options)
    assert (code, out.count("\n")) == (0, 2)
    assert err.endswith("partition 0, offset 1: event_ts_ms is a time of no calendar\n")
    code, _, err = run("explain", "e2-0", *options)
    assert code == 2
    assert "offset 1: event_ts_ms is a time of no calendar" in err.splitlines()[0]
    assert "no alert 'e2-0'" in err.splitlines()[1]


def test_alerts_of_which_none_can_be_read_are_exit_code_4(run, broker):
    settings = Settings(brokers=broker.bootstrap, topic_prefix="bad.", group="bad")
    publish(settings, b"no alert")
    code, out, err = run("alerts", "--brokers", broker.bootstrap, "--prefix", "bad.")
    assert (code, out) == (4, "")
    assert err.splitlines()[-1] == "vigil: none of 1 records could be read"


def test_one_bad_record_hides_nobody_elses_alarms_and_steers_no_terminal(run, broker):
    settings = Settings(brokers=broker.bootstrap, topic_prefix="board.", group="board")
    alarm = {"rule": "hr-\x1b[2J", "episode": "e1", "state": "active", "priority": "high", "onset_ts_ms": 1}
    board = {"patient": "bed-1", "ward": "", "seen_ts_ms": 1, "pause": None, "pause_until_ts_ms": None}
    good = json.dumps(board | {"alarms": [alarm], "values": {}}).encode()
    publish(settings, good, b"no patient", good.replace(b"bed-1", b"bed-2"), topic="vitals.patients")
    options = ["--brokers", broker.bootstrap, "--prefix", "board."]
    code, out, err = run("alarms", "list", *options)
    warned, listed = out.splitlines()
    assert (code, "\x1b" in out) == (0, False)
    assert warned.startswith("nothing has been judged in any partition (0, 1, 2")
    assert listed.startswith("e1  high       bed-1  -  ")
    assert listed.endswith("hr-\ufffd[2J")
    assert err == (
        "vigil: skipped what cannot be read: 2 of board.vitals.patients; "
        "the last: partition 0, offset 2: its key is of another patient\n"
    )
    assert json.loads(run("alarms", "list", *options, "--json")[1])["alarms"][0]["rule"] == "hr-\x1b[2J"


def test_alerts_without_a_topic_is_exit_code_1(run, broker):
    code, _, err = run("alerts", "--brokers", broker.bootstrap, "--prefix", "none.")
    assert code == 1
    assert "vigil topics apply" in err


def test_following_alerts_prints_what_comes_and_ends_with_130_on_ctrl_c(broker):
    settings = Settings(brokers=broker.bootstrap, topic_prefix="follow.", group="follow")
    publish(settings, an_alert(1).model_dump_json().encode())
    arguments = ["alerts", "--follow", "--since", "start", "--json", "--prefix", "follow."]
    follower = subprocess.Popen(
        [sys.executable, "-m", "edge", *arguments, "--brokers", broker.bootstrap],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with follower:
        try:
            assert json.loads(follower.stdout.readline())["id"] == "e1-0"
            publish(settings, an_alert(2).model_dump_json().encode())
            assert json.loads(follower.stdout.readline())["id"] == "e2-0"
            follower.send_signal(signal.SIGINT)
            assert follower.wait(DEADLINE_S) == 130
            assert "Traceback" not in follower.stderr.read()
        finally:
            follower.kill()


def test_a_reader_that_has_seen_enough_is_no_failure(broker):
    settings = Settings(brokers=broker.bootstrap, topic_prefix="pipe.", group="pipe")
    publish(settings, *(an_alert(number).model_dump_json().encode() for number in range(400)))
    arguments = ["alerts", "--json", "--prefix", "pipe.", "--brokers", broker.bootstrap]
    command = [sys.executable, "-m", "edge", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reader:
        reader.stdout.readline()
        reader.stdout.close()
        assert reader.wait(DEADLINE_S) == 0
        assert reader.stderr.read() == ""


def test_the_doctor_finds_a_broker_without_topics_and_says_what_it_cannot_check(run, broker):
    code, out, _ = run("doctor", "--json", "--brokers", broker.bootstrap, "--prefix", "doctor.")
    report = json.loads(out)
    results = {check["name"]: check["result"] for check in report["checks"]}
    assert (code, report["ok"]) == (1, False)
    assert (results["python"], results["broker"]) == ("ok", "ok")
    assert (results["topics"], results["group"], results["clock"]) == ("failed", "skipped", "skipped")
    assert report["settings"]["brokers"] == broker.bootstrap


def test_the_doctor_names_who_is_in_the_group_by_mistake(run, broker, monkeypatch):
    def looked_at(group):
        monkeypatch.setattr("edge.checks.group_of", lambda settings: group)
        _, out, _ = run("doctor", "--json", "--brokers", broker.bootstrap)
        return {check["name"]: check for check in json.loads(out)["checks"]}["group"]

    member = Member("m", "report", "/10.0.0.7")
    assert looked_at(Group("Stable", "faust", (member,)))["result"] == "ok"
    found = looked_at(Group("Stable", "range", (member,)))
    assert found["result"] == "failed"
    assert "vigil is in use by report at 10.0.0.7, by the assignor range" in found["detail"]


def test_the_doctor_tries_every_codec_and_names_what_is_missing(run, broker, monkeypatch):
    def codecs():
        _, out, _ = run("doctor", "--json", "--brokers", broker.bootstrap)
        return {check["name"]: check for check in json.loads(out)["checks"]}["codecs"]

    assert codecs()["result"] == "ok"
    monkeypatch.setattr("kafka.codec.zstd", None)
    assert codecs()["result"] == "failed"
    assert "zstd by readers at the edge" in codecs()["detail"]
    assert "package zstandard" in codecs()["detail"]


def test_the_doctor_tries_the_embedded_broker_when_no_other_is_given(run):
    _, out, _ = run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert checks["broker"]["result"] == "ok"
    assert "embedded" in checks["broker"]["detail"]
    assert checks["clock"]["result"] == "skipped"
