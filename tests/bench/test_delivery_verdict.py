"""The delivery drill's verdict: each promise that is broken is found, and none where all are held."""

import pytest

from bench.drills.delivery.plan import BACKUP, CHANNELS, RULE, WAIT_S, routing_text
from bench.drills.delivery.receiver import Got
from bench.drills.delivery.verdict import Evidence, Window, judge
from edge.channels.faults import CHANNEL_FAILED, fault_alert
from edge.channels.kinds import check_options
from streams.config.routing_file import parse_routing
from streams.contracts.deliveries import Delivery

TOLD_MS = 1_000_000


def milestone(name, at_s=0.1, channel="plain", delivery=None, episode="e1"):
    return Delivery(
        id=delivery or f"{episode}-{channel}",
        alert=f"{episode}-0",
        episode=episode,
        patient="p",
        ward="",
        rule=f"{RULE}plain",
        priority="medium",
        step=2 if channel == BACKUP else 1,
        recipient=channel,
        channel=channel,
        milestone=name,
        at_ts_ms=TOLD_MS + round(at_s * 1000),
    )


def a_good_run():
    milestones = [
        milestone("queued"),
        milestone("sent", 0.2),
        milestone("taken", 0.3),
        milestone("undefined", 0.1 + WAIT_S),
        milestone("queued", 0.1 + WAIT_S, BACKUP),
        milestone("taken", 0.3 + WAIT_S, BACKUP),
        milestone("undefined", 0.1 + 2 * WAIT_S, BACKUP),
    ]
    got = [Got("plain", "e1-plain", TOLD_MS + 200), Got(BACKUP, f"e1-{BACKUP}", TOLD_MS + 20_000)]
    return Evidence({"e1-0": TOLD_MS}, milestones, got, [], kills=1)


def test_a_run_that_held_all_is_found_good():
    broken, facts = judge(a_good_run())
    assert broken == []
    assert facts["finals"] == {"undefined": 2}
    assert facts["escalations"] == {"count": 1, "off_s_max": 0.0}


def without(seen, name):
    seen.milestones = [one for one in seen.milestones if one.milestone != name]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda seen: without(seen, "undefined"), "2 deliveries had neither"),
        (lambda seen: without(seen, "queued"), "1 alerts were never queued"),
        (lambda seen: seen.got.pop(0), "first send p99"),
        (
            lambda seen: seen.milestones.__setitem__(4, milestone("queued", 18.0, BACKUP)),
            "escalation +2.90 s off",
        ),
        (lambda seen: seen.got.extend([seen.got[0]] * 2), "came 2 times more, after 1 kills"),
        (
            lambda seen: seen.got.append(Got("plain", "other", TOLD_MS)),
            "under an id that the log does not know",
        ),
    ],
)
def test_each_broken_promise_is_found(spoil, said):
    seen = a_good_run()
    spoil(seen)
    broken, _ = judge(seen)
    assert any(said in sentence for sentence in broken), broken


def test_a_technical_alert_in_time_stands_for_a_final_state():
    seen = a_good_run()
    without(seen, "undefined")
    for name in ("plain", BACKUP):
        seen.technical.append(
            fault_alert(CHANNEL_FAILED, name, "", TOLD_MS, TOLD_MS + 60_000, "answered 500")
        )
    assert judge(seen)[0] == []


def test_what_comes_while_no_sender_is_there_has_no_first_send():
    seen = a_good_run()
    seen.got[0] = Got("plain", "e1-plain", TOLD_MS + 9_000)
    assert "first send" in judge(seen)[0][0]
    seen.away.append(Window(TOLD_MS - 5_000, TOLD_MS + 5_000))
    assert judge(seen)[1]["first_send_s"]["count"] == 0


def test_the_drills_routing_file_is_one_that_is_taken(tmp_path):
    routing = parse_routing(routing_text(8_080, tmp_path / "key"), "drill.toml", check_options)
    assert set(CHANNELS) < set(routing.channels)
