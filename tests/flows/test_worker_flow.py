"""One run of a worker from the first frame to the drain: what it wrote, refused and committed."""

import json
from types import SimpleNamespace

import pytest
from worker_flow import frame, wait_until, ward_log

from agents.dead_letters import kept
from streams.contracts.alert import Alert, episode_id
from streams.contracts.frame import TICK_KEY

BEDS = [f"bed-{number}" for number in range(8)]
SECONDS = 60


def altered(**fields):
    """Return a frame of `bad-bed` as bytes, with fields set, or left out where the value is `...`."""
    said = json.loads(frame("bad-bed", 1, hr=80)[1]) | fields
    return json.dumps({name: value for name, value in said.items() if value is not ...}).encode()


KEY = b"bad-bed"
BAD_INPUT = {
    "no JSON": (KEY, b"hello", "not-json"),
    "no UTF-8": (KEY, altered().replace(b"mon-", b"\xff\xfe"), "not-json"),
    "a field too few": (KEY, altered(device=...), "invalid"),
    "a field too many": (KEY, altered(name="Jane"), "invalid"),
    "a number as text": (KEY, altered(hr="80"), "invalid"),
    "a whole number with a fraction": (KEY, altered(seq=1.5), "invalid"),
    "NaN": (KEY, altered(hr=float("nan")), "not-json"),
    "a number beyond every sensor": (KEY, altered(hr=1e9), "invalid"),
    "a negative count": (KEY, altered(boot=-1), "invalid"),
    "a patient id with a space": (KEY, altered(patient="bad bed"), "invalid"),
    "a list": (KEY, b"[1, 2]", "invalid"),
    "deep nesting": (KEY, b"[" * 10_000, "invalid"),
    "no key": (None, altered(), "null-key"),
    "the key of another patient": (b"bed-1", altered(), "key-mismatch"),
    "no value": (KEY, None, "empty"),
    "1 MiB of anything": (KEY, b"x" * 2**20, "too-large"),
    "a damaged tick": (TICK_KEY, b"{}", "invalid"),
}


@pytest.fixture(scope="module")
def run(make_ward):
    """A log with bad input among its frames and every frame twice, read by one worker that is then asked to end.

    It is written before the worker starts, so that good and bad records come in the same blocks. Checkpoints are so
    rare that only the drain can make it durable.
    """
    ward = make_ward(fetch_bytes_max=4 * 2**20, checkpoint_interval_s=60)
    ward.send_all((0, *frame("quiet-bed", t, hr=70)) for t in range(SECONDS))
    refused = {}
    for what, (key, value, _) in BAD_INPUT.items():
        refused[what] = ward.send(0, key, value)
        ward.send_all([(0, *frame("bad-bed", 100 + len(refused), hr=140))])
    values = [97] * 5 + [85] * 8 + [96] * 4
    ward.send_all((1, *frame("low-bed", t, spo2=spo2)) for t, spo2 in enumerate(values))
    earlier = []
    for records in ward_log(BEDS, SECONDS):
        ward.send_all(records + earlier)
        earlier = [record for record in records if record[1] != TICK_KEY]
    ward.send_all(earlier)
    worker = ward.start_ready_worker()
    expected = ward.expected()
    ward.wait_for_alerts(expected)
    wait_until(lambda: len(ward.dead_letters()) >= len(BAD_INPUT), "the dead letters")
    exit_code = worker.terminate()
    return SimpleNamespace(ward=ward, worker=worker, expected=expected, refused=refused, exit_code=exit_code)


def test_the_alerts_are_those_of_the_log_judged_in_one_go_though_every_frame_came_twice(run):
    assert len(run.expected) > 20
    found = {alert["id"]: alert for alert in run.ward.alerts()}
    assert found.keys() == run.expected.keys()
    for alert in (*found.values(), *run.expected.values()):
        del alert[
            "append_ts_ms"
        ]  # which of the two copies came first to the judge is not the oracle's to say
    assert found == run.expected


def test_a_run_below_the_limit_is_a_start_and_an_end_with_the_numbers_behind_them(run):
    records = [record for record in run.ward.read("vitals.alerts") if record.key == b"low-bed"]
    alerts = [Alert.model_validate_json(record.value) for record in records]
    start, end = [alert for alert in alerts if alert.rule == "spo2-low"]
    assert start.episode == end.episode == episode_id("low-bed", "spo2-low", 5_000)
    assert (start.phase, start.state, start.priority, start.type) == (
        "start",
        "active",
        "medium",
        "physiological",
    )
    assert (start.onset_ts_ms, start.event_ts_ms) == (5_000, 10_000)
    assert (start.source.name, start.source.device, start.source.unit) == ("spo2", "mon-low-bed", "%")
    assert (start.evidence.value, start.evidence.low, start.evidence.delay_s) == (85, 90, 5)
    assert (end.phase, end.state, end.event_ts_ms, end.evidence.extreme) == ("end", "inactive", 15_000, 85)


@pytest.mark.parametrize("what", BAD_INPUT)
def test_bad_input_goes_to_the_dead_letters_with_reason_origin_and_length(run, what):
    key, value, reason = BAD_INPUT[what]
    offset = run.refused[what]
    letters = {int(headers["offset"]): (k, v, headers) for k, v, headers in run.ward.dead_letters()}
    found_key, found_value, headers = letters[offset]
    assert (found_key, found_value) == kept(key, value)
    assert headers["value_bytes"] == str(len(value or b""))
    assert headers["reason"] == reason
    assert headers["topic"] == run.ward.settings.topic("vitals.readings")
    assert headers["partition"] == "0"
    assert headers["detail"]


def test_nothing_but_the_bad_input_is_in_the_dead_letters(run):
    assert {int(headers["offset"]) for _, _, headers in run.ward.dead_letters()} == set(run.refused.values())


def test_the_neighbours_of_bad_input_are_judged(run):
    alert = run.expected[f"{episode_id('bad-bed', 'hr-high', 101_000)}-0"]
    assert alert["event_ts_ms"] == 104_000


def test_a_worker_that_is_asked_to_end_leaves_with_everything_committed(run):
    assert run.exit_code == 0
    assert run.ward.committed() == run.ward.log_end()
    assert "Traceback" not in run.worker.said


def test_after_a_drain_the_next_worker_reads_nothing_again(run):
    before = len(run.ward.alerts())
    worker = run.ward.start_ready_worker()
    run.ward.send_all((0, *frame("new-bed", t, hr=140)) for t in range(4))
    wait_until(lambda: len(run.ward.alerts()) > before, "the alert of a frame after the restart")
    assert worker.metric("vigil_frames_total") == 4
    assert len(run.ward.alerts()) == before + 1
