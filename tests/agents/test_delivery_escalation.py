"""Who is told of an alarm, who next, and how each delivery ends."""

from delivery_world import ROUTING, World, event

from agents.delivery.escalation import Escalation
from streams.config.routing import DEFAULT_ROUTING


def test_an_alarm_is_queued_for_whoever_is_on_over_all_channels():
    world = World()
    world.alert(100, event())
    assert world.queued() == [(100, "n-1", "pager"), (100, "n-1", "board")]
    assert {m.ward for m in world.milestones} == {"north"}
    assert world.alerts == []


def test_a_step_that_nobody_answers_in_time_is_followed_by_the_next():
    world = World()
    world.alert(100, event())
    world.mark(101, world.first("n-1"), "taken")
    world.ticks(101, 165)
    assert world.queued()[2:] == [(160, "desk", "pager")]
    assert world.finals() == [(160, "n-1", "pager", "undefined"), (160, "n-1", "board", "expired")]
    assert "no answer of step 1 within 60 s" in world.milestones[-1].reason


def test_a_step_that_no_channel_takes_is_followed_early_and_stays_open_for_its_time():
    world = World()
    world.alert(100, event())
    world.mark(101, world.first("n-1"), "sent")
    world.ticks(101, 130)
    assert world.queued()[2:] == [(120, "desk", "pager")]
    assert world.finals() == []
    world.mark(131, world.first("n-1"), "taken")
    world.ticks(131, 161)
    assert world.finals() == [(160, "n-1", "pager", "undefined"), (160, "n-1", "board", "expired")]


def test_an_acknowledgement_ends_all_and_is_accepted_by_whom_it_was_for():
    world = World()
    world.alert(100, event())
    world.ticks(100, 121)
    world.alert(122, event(1, acknowledged_by="n-1", inactivation="alert-acknowledged"))
    assert world.finals() == [
        (122, "n-1", "pager", "accepted"),
        (122, "n-1", "board", "accepted"),
        (122, "desk", "pager", "accepted"),
    ]
    world.ticks(122, 400)
    assert len(world.finals()) == 3
    assert len(world.queued()) == 3


def test_for_a_person_whom_somebody_else_forestalls_it_has_expired():
    world = World()
    world.alert(100, event())
    world.alert(110, event(1, acknowledged_by="n-9", inactivation="alert-acknowledged"))
    assert {final for *_, final in world.finals()} == {"expired"}
    assert world.milestones[-1].reason == "acknowledged by n-9"


def test_an_alarm_that_is_over_ends_its_deliveries():
    world = World()
    world.alert(100, event())
    world.alert(105, event(1, phase="end", state="inactive"))
    assert {final for *_, final in world.finals()} == {"expired"}
    world.ticks(105, 800)
    assert world.episodes == {}
    assert len(world.queued()) == 2


def test_what_grows_worse_is_told_again_though_somebody_had_answered():
    world = World()
    world.alert(100, event())
    world.alert(110, event(1, acknowledged_by="n-1", inactivation="alert-acknowledged"))
    world.alert(200, event(2, phase="escalate", priority="high"))
    assert world.queued()[2:] == [(200, "n-1", "pager"), (200, "n-1", "board")]
    assert len({m.id for m in world.milestones if m.milestone == "queued"}) == 4


def test_a_copy_of_an_event_changes_nothing():
    world = World()
    world.alert(100, event())
    world.alert(100, event())
    world.alert(150, event())
    assert len(world.queued()) == 2


def test_an_end_counts_whatever_its_id_looks_like():
    world = World()
    world.alert(100, event(3, phase="start"))
    world.alert(110, event(0, phase="end", state="inactive"))
    assert {final for *_, final in world.finals()} == {"expired"}


def test_what_no_route_takes_is_not_told_and_not_remembered():
    world = World()
    world.alert(100, event(priority="low"))
    assert (world.milestones, world.episodes) == ([], {})


def test_a_pause_holds_the_next_step_and_its_end_lets_it_come():
    world = World()
    world.alert(100, event())
    world.mark(101, world.first("n-1"), "shown")
    world.alert(110, event(1, inactivation="audio-paused"))
    world.ticks(110, 200)
    assert len(world.queued()) == 2
    world.alert(200.2, event(2))
    world.ticks(200.5, 201)
    assert world.queued()[2:] == [(200.5, "desk", "pager")]


def test_nobody_reached_is_told_within_120_s_and_ends_once_somebody_is():
    world = World()
    world.alert(100, event())
    world.ticks(100, 204)
    assert world.told() == [(200, "delivery-failed", "start")]
    assert "nobody was reached of spo2-low within 100 s over pager" in world.alerts[0].reason
    world.mark(205, world.first("desk"), "delivered")
    assert world.told()[1:] == [(205, "delivery-failed", "end")]
    assert world.alerts[0].episode == world.alerts[1].episode
    assert world.alerts[0].priority == "medium"


def test_alarms_of_delivery_itself_lead_to_no_further_ones():
    world = World(on={})
    world.alert(100, event(rule="delivery-failed"))
    world.ticks(100, 500)
    assert world.told() == []
    assert {recipient for _, recipient, _ in world.queued()} == {"desk"}


def test_where_nobody_is_assigned_the_fallback_is_told_and_a_technical_alert():
    world = World(on={})
    world.alert(100, event())
    assert world.queued() == [(100, "desk", "pager")]
    assert world.told() == [(100, "nobody-assigned", "start")]
    world.alert(101, event(1, phase="end", state="inactive"))
    assert world.told()[1:] == [(101, "nobody-assigned", "end")]


def test_a_channel_that_gives_up_is_followed_at_once():
    world = World()
    world.alert(100, event())
    for channel in ("pager", "board"):
        world.mark(103, world.first("n-1", channel), "expired")
    world.tick(103.5)
    assert world.queued()[2:] == [(103.5, "desk", "pager")]
    assert world.finals() == []  # theirs are the channel's


def test_an_answer_over_a_channel_ends_what_others_were_told():
    world = World()
    world.alert(100, event())
    world.mark(104, world.first("n-1"), "accepted")
    assert world.finals() == [(104, "n-1", "board", "accepted")]
    world.ticks(104, 400)
    assert len(world.queued()) == 2


def test_whom_the_rules_ask_is_told_and_the_route_waits_for_them():
    world = World()
    high = {"priority": "high"}
    world.alert(100, event(asked=(1, "nurse", "requested"), **high))
    assert world.queued() == [(100, "n-1", "pager"), (100, "n-1", "board")]  # once, though asked and routed
    world.mark(101, world.first("n-1"), "taken")
    world.ticks(101, 159)
    world.alert(160, event(1, asked=(2, "charge-nurse", "requested", "undefined"), **high))
    assert world.queued()[2:] == [(160, "c-1", "pager")]
    assert world.finals() == [(160, "n-1", "pager", "undefined"), (160, "n-1", "board", "undefined")]
    world.mark(161, world.first("c-1"), "taken")
    world.ticks(161, 219)
    assert len(world.queued()) == 3
    world.alert(220, event(2, actor="c-1", asked=(2, "charge-nurse", "accepted"), **high))
    assert world.finals()[2:] == [(220, "c-1", "pager", "accepted")]
    world.ticks(220, 600)
    assert len(world.queued()) == 3


def test_who_says_no_has_rejected_and_the_next_is_asked():
    world = World()
    world.alert(100, event(asked=(1, "nurse", "requested"), priority="high"))
    world.alert(
        105, event(1, actor="n-1", asked=(2, "charge-nurse", "requested", "rejected"), priority="high")
    )
    assert {final for *_, final in world.finals()} == {"rejected"}
    assert world.queued()[2:] == [(105, "c-1", "pager")]


def test_once_nobody_is_left_to_ask_the_route_goes_on():
    world = World()
    world.alert(100, event(asked=(1, "nurse", "requested"), priority="high"))
    world.mark(101, world.first("n-1"), "taken")
    world.ticks(101, 169)
    assert len(world.queued()) == 2
    world.alert(170, event(1, asked=(1, "nurse", "undefined"), priority="high"))
    assert {final for *_, final in world.finals()} == {"undefined"}
    world.tick(170.5)
    assert world.queued()[2:] == [(170.5, "desk", "pager")]


def test_a_route_goes_on_while_the_rules_ask_if_nobody_can_be_reached():
    world = World()
    world.alert(100, event(asked=(1, "nurse", "requested"), priority="high"))
    world.ticks(100, 121)
    assert world.queued()[2:] == [(120, "desk", "pager")]


def test_a_backlog_is_told_only_once_it_is_caught_up_with_and_not_of_what_is_over():
    world = World()
    world.alert(1000, event(asked=(1, "nurse", "requested"), priority="high"), late=True)
    world.alert(1000.1, event(episode="e2", patient="bed-1"), late=True)
    world.tick(1000.5)
    world.alert(1001, event(1, phase="end", state="inactive", episode="e2"), late=True)
    world.ticks(1001.5, 1002.9)
    assert world.queued() == []
    world.ticks(1003, 1003.5)
    assert world.queued() == [(1003, "n-1", "pager"), (1003, "n-1", "board")]
    assert {m.episode for m in world.milestones} == {"e1"}


def test_a_backlog_that_does_not_end_holds_nobody_up_for_longer_than_a_bound():
    world = World()
    world.alert(1000, event(), late=True)
    for second in range(1, 40):
        world.alert(1000 + second, event(episode=f"x{second}", patient="bed-2"), late=True)
        world.tick(1000.5 + second)
    assert world.queued()[0] == (1030.5, "n-1", "pager")


def test_what_an_earlier_life_queued_for_others_gets_its_end_too():
    world = World()
    world.alert(100, event())
    other = world.first("n-1").model_copy(update={"id": "feedfeedfeedfeed", "recipient": "n-2"})
    world.mark(100.1, other, "queued")
    world.alert(120, event(1, phase="end", state="inactive"))
    assert ("n-2", "expired") in {(recipient, final) for _, recipient, _, final in world.finals()}
    late = other.model_copy(update={"id": "beefbeefbeefbeef", "recipient": "n-3"})
    world.mark(121, late, "queued")
    assert world.finals()[-1] == (121, "n-3", "pager", "expired")


def test_an_end_that_comes_back_late_answers_nothing_that_was_told_since():
    world = World()
    world.alert(100, event())
    world.alert(101, event(1, acknowledged_by="n-1", inactivation="alert-acknowledged"))
    ended = [m for m in world.milestones if m.milestone == "accepted"]
    world.alert(102, event(2, phase="escalate", priority="high"))
    for delivery in ended:
        world.mark(103, delivery, "accepted")
    world.ticks(103, 123)
    assert world.queued()[4:] == [(122, "desk", "pager")]


def test_a_board_that_nobody_looks_at_is_no_failure_and_its_step_has_its_time():
    world = World(text=ROUTING.replace('channels = ["pager", "board"]', 'channels = ["board"]'))
    world.alert(100, event())
    world.ticks(100, 159.5)
    assert world.queued() == [(100, "n-1", "board")]
    world.tick(160)
    assert world.queued()[1:] == [(160, "desk", "pager")]
    assert world.finals() == [(160, "n-1", "board", "expired")]


def test_without_a_routing_file_an_alarm_that_no_board_shows_leads_to_no_further_alarm():
    world = World()
    world.decider = Escalation(DEFAULT_ROUTING, lambda *_: ())
    world.alert(100, event())
    world.ticks(100, 400)
    assert world.queued() == [(100, "board", "board")]
    assert world.finals() == [(160, "board", "board", "expired")]
    assert world.told() == []
