import io
import math

from rich.console import Console

from edge.metrics_scrape import Load
from edge.ward_state import Ward
from edge.ward_view import clock, plain_line, render, status_data, summary
from streams.contracts.alert import Alert, Evidence, Source, episode_id

NOW_MS = 1_700_000_100_000
LOAD = Load(
    workers=1,
    frames=12_345,
    frames_per_s=199.6,
    latency_p50_s=0.0124,
    latency_p99_s=1.25,
    lag_frames=3,
    lag_s=0.2,
)


def alert(patient, rule="spo2-low", phase="start", priority="medium", onset_s=0, at_s=None, **more):
    onset_ms = NOW_MS - 100_000 + onset_s * 1000
    fields = {
        "id": f"{episode_id(patient, rule, onset_ms)}-{phase}-{at_s}",
        "episode": episode_id(patient, rule, onset_ms),
        "patient": patient,
        "rule": rule,
        "event": "MDC_EVT_LO",
        "source": Source(kind="signal", name="spo2"),
        "phase": phase,
        "state": "inactive" if phase == "end" else "active",
        "priority": priority,
        "type": "physiological",
        "onset_ts_ms": onset_ms,
        "event_ts_ms": onset_ms + 1000 * (15 if at_s is None else at_s),
        "append_ts_ms": onset_ms,
        "evidence": Evidence(value=84.0),
        "reason": f"{patient}: oxygen saturation 84 %, below 90 for 15 s",
    }
    return Alert(**{**fields, **more})


def ward_of(*alerts, beds=10):
    ward = Ward(beds)
    for one in alerts:
        ward.apply(one)
    return ward


def screen(ward, load=LOAD, width=100, height=30):
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    console.print(render(ward, load, 65, NOW_MS, width, height))
    return console.file.getvalue()


def test_a_bed_counts_with_its_most_severe_open_alarm():
    ward = ward_of(alert("a", priority="low"), alert("a", "hr-high", priority="high"), alert("b"))
    assert ward.beds == {"high": 1, "medium": 1, "low": 0, "technical": 0, "none": 8}


def test_an_alarm_about_data_is_technical_whatever_its_priority():
    ward = ward_of(alert("a", "silent-device", priority="medium", type="technical"))
    assert ward.beds["technical"] == 1
    assert ward.beds["medium"] == 0


def test_an_alarm_that_ends_is_closed_and_counted_once():
    end = alert("a", phase="end", at_s=30)
    ward = ward_of(alert("a"), end, end)
    assert ward.open_alarms == []
    assert ward.started["medium"] == ward.ended["medium"] == 1


def test_events_that_are_delivered_again_change_nothing():
    once = ward_of(alert("a"), alert("a", phase="escalate", priority="high", at_s=20))
    again = ward_of(
        alert("a"),
        alert("a", phase="escalate", priority="high", at_s=20),
        alert("a"),
        alert("a", phase="escalate", priority="high", at_s=20),
    )
    assert once.open_alarms == again.open_alarms
    assert once.started == again.started
    assert again.open_alarms[0].priority == "high"


def test_a_start_that_is_delivered_after_the_end_does_not_open_the_alarm_again():
    ward = ward_of(alert("a"), alert("a", phase="end", at_s=30), alert("a"))
    assert ward.open_alarms == []
    assert ward.started["medium"] == 1


def test_an_alarm_first_met_in_the_middle_is_open_but_did_not_start_here():
    ward = ward_of(alert("a", phase="update", at_s=40))
    assert [one.patient for one in ward.open_alarms] == ["a"]
    assert sum(ward.started.values()) == 0


def test_open_alarms_come_most_severe_first_and_then_the_longest_open():
    ward = ward_of(
        alert("low", priority="low"),
        alert("young", priority="high", onset_s=50),
        alert("old", priority="high", onset_s=10),
        alert("device", type="technical"),
    )
    assert [one.patient for one in ward.open_alarms] == ["old", "young", "low", "device"]


def test_the_screen_shows_beds_alarms_load_and_age():
    text = screen(ward_of(alert("bed-7", priority="high", onset_s=10)))
    for part in ("1:05", "10 beds", "1 high", "9 quiet", "200 frames/s", "p50 12 ms, p99 1.2 s"):
        assert part in text
    assert "lag 3 frames, 0.2 s" in text
    assert "bed-7" in text
    assert "1:30" in text
    assert "below 90 for 15 s" in text


def test_the_screen_fits_its_terminal_however_many_alarms_are_open():
    ward = ward_of(*(alert(f"bed-{number}") for number in range(200)), beds=200)
    for width, height in ((80, 24), (100, 30), (200, 60)):
        lines = screen(ward, width=width, height=height).rstrip("\n").split("\n")
        assert len(lines) <= height
        assert max(map(len, lines)) <= width
        assert "open alarms: 200, the" in "\n".join(lines)


def test_the_screen_has_no_alarm_and_no_load_at_the_beginning():
    text = screen(Ward(200), Load())
    assert "no open alarm" in text
    assert "- frames/s" in text


def test_what_came_from_the_broker_cannot_steer_the_terminal():
    text = screen(ward_of(alert("bed\x1b[2J", reason="[bold]\x07 bell")))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]" in text


def test_the_plain_line_is_one_line_with_every_number():
    line = plain_line(ward_of(alert("a", priority="high")), LOAD, 12.3)
    assert "\n" not in line
    for part in ("12 s", "1 high", "9 quiet", "200 frames/s", "p50 12 ms", "lag 3 frames"):
        assert part in line


def test_restarts_and_dead_letters_show_only_when_there_are_some():
    assert "restart" not in plain_line(Ward(1), LOAD, 1)
    troubled = Load(workers=1, dead_letters=4, restarts=2)
    assert "worker restarts 2" in plain_line(Ward(1), troubled, 1)
    assert "dead letters 4" in plain_line(Ward(1), troubled, 1)
    assert "worker restarts 2" in screen(Ward(1), troubled)


def test_the_summary_counts_starts_and_ends_by_severity():
    text = summary(
        ward_of(alert("a"), alert("a", phase="end", at_s=30), alert("b", priority="high")), LOAD, 20
    )
    assert "alarms started: 2 (1 high, 1 medium, 0 low, 0 technical)" in text
    assert "alarms ended:   1 (0 high, 1 medium, 0 low, 0 technical)" in text
    assert "12,345 frames" in text


def test_a_latency_beyond_the_histogram_is_said_and_is_null_in_json():
    load = Load(latency_p50_s=0.5, latency_p99_s=math.inf)
    assert "p99 beyond the scale" in plain_line(Ward(1), load, 1)
    assert status_data(Ward(1), load, 1)["latency_p99_s"] is None


def test_durations_read_like_a_clock():
    assert [clock(s) for s in (0, 59.9, 60, 3599, 3600, -5)] == [
        "0:00",
        "0:59",
        "1:00",
        "59:59",
        "1:00:00",
        "0:00",
    ]
