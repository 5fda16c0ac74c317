"""What two rule sets told side by side, against a reference that joins episodes pair by pair."""

from hypothesis import given
from hypothesis import strategies as st

from edge.shadow.compare import OUTCOMES, conditions, counted, differences, episodes
from streams.contracts.alert import Alert, Evidence, Source, episode_id

PATIENTS, RULES = ("bed-1", "bed-2"), ("hr-high", "spo2-low")
SIGNAL = {"hr-high": "hr", "hr-very-high": "hr", "spo2-low": "spo2"}


def events_of(patient, rule, onset, start, end, priorities=("medium",), first="start"):
    """Return the alerts of one episode; `end` None = still open."""
    episode = episode_id(patient, rule, onset)
    phases = [(start, first if n == 0 else "escalate", p) for n, p in enumerate(priorities)]
    phases += [] if end is None else [(end, "end", priorities[-1])]
    return [
        Alert(
            id=f"{episode}-{number}",
            episode=episode,
            patient=patient,
            rule=rule,
            event="MDC_EVT_HI",
            source=Source(kind="signal", name=SIGNAL[rule]),
            phase=phase,
            state="inactive" if phase == "end" else "active",
            priority=priority,
            type="physiological",
            onset_ts_ms=onset,
            event_ts_ms=at,
            append_ts_ms=at,
            evidence=Evidence(),
            reason="why",
        )
        for number, (at, phase, priority) in enumerate(phases)
    ]


def told(*lists, until=100):
    alerts = [alert for events in lists for alert in events]
    return episodes(alerts, dict.fromkeys((alert.patient for alert in alerts), until))


def outcomes(present, new):
    return [(one.condition.rule, one.outcome) for one in differences(conditions(present, new))]


def test_what_both_told_at_the_same_second_is_no_difference():
    same = told(events_of("bed-1", "hr-high", 1, 4, 9))
    assert outcomes(same, same) == []
    assert [one.outcome for one in conditions(same, same)] == ["same"]


def test_what_only_one_told_says_who():
    one, other = told(events_of("bed-1", "hr-high", 1, 4, 9)), told(events_of("bed-1", "hr-high", 10, 12, 20))
    assert outcomes(one, other) == [("hr-high", "only-present"), ("hr-high", "only-new")]


def test_a_later_start_is_later_by_so_much_even_at_another_priority():
    present = told(events_of("bed-1", "hr-high", 1000, 4000, 9000))
    new = told(events_of("bed-1", "hr-high", 1000, 7000, 9000, ("high",)))
    (one,) = differences(conditions(present, new))
    assert (one.outcome, one.condition.shift_s) == ("later", 3.0)


def test_the_same_start_at_the_priority_that_it_came_to_is_higher_or_lower():
    medium = told(events_of("bed-1", "hr-high", 1, 4, 9))
    raised = told(events_of("bed-1", "hr-high", 1, 4, 9, ("medium", "high")))
    assert outcomes(medium, raised) == [("hr-high", "higher")]
    assert outcomes(raised, medium) == [("hr-high", "lower")]


def test_one_long_alarm_beside_three_short_ones_is_one_condition_told_more_often():
    present = told(events_of("bed-1", "hr-high", 0, 0, 50))
    new = told(*(events_of("bed-1", "hr-high", at, at, at + 5) for at in (0, 20, 40)))
    assert outcomes(present, new) == [("hr-high", "more")]
    assert counted(conditions(present, new), {"bed-1": "icu"})["icu", "hr-high"]["new"] == 3


def test_an_alarm_that_is_told_by_another_rule_of_the_signal_says_so():
    present = told(events_of("bed-1", "hr-high", 0, 5, 50))
    new = told(events_of("bed-1", "hr-very-high", 8, 9, 30, ("high",)))
    found = {one.condition.rule: (one.outcome, one.instead) for one in differences(conditions(present, new))}
    assert found == {
        "hr-high": ("only-present", ("hr-very-high",)),
        "hr-very-high": ("only-new", ("hr-high",)),
    }


def test_what_began_before_the_stretch_is_compared_with_and_not_counted():
    present = told(events_of("bed-1", "hr-high", 1, 8, 30, first="escalate"))
    new = told(events_of("bed-1", "hr-high", 10, 12, 20))
    assert outcomes(present, new) == []
    assert counted(conditions(present, new), {}) == {}


def test_an_open_alarm_lasts_until_the_end_of_the_stretch():
    present = told(events_of("bed-1", "hr-high", 1, 4, None))
    new = told(events_of("bed-1", "hr-high", 80, 90, 95))
    assert outcomes(present, new) == [("hr-high", "later")]


def test_an_alert_that_was_written_twice_counts_once():
    twice = events_of("bed-1", "hr-high", 1, 4, 9)
    assert told(twice, twice) == told(twice)


stretch = st.tuples(st.sampled_from(PATIENTS), st.sampled_from(RULES), st.integers(0, 40), st.integers(0, 9))


def side(drawn):
    """Return episodes as a rule set has them: of one patient and rule one after the other."""
    taken, found = {}, []
    for patient, rule, at, length in sorted(drawn, key=lambda one: one[2]):
        if at > taken.get((patient, rule), -1):
            taken[patient, rule] = at + length
            found.append(events_of(patient, rule, at, at, at + length))
    return told(*found)


def plainly(present, new):
    """Return the groups of episodes that belong together, by trying every pair until nothing changes."""
    groups = [{one} for one in [*((p, 0) for p in present), *((n, 1) for n in new)]]

    def touch(a, b):
        return any(
            x.patient == y.patient and x.rule == y.rule and x.start_ms <= y.end_ms and y.start_ms <= x.end_ms
            for x, _ in a
            for y, _ in b
        )

    changed = True
    while changed:
        changed = False
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                if touch(groups[i], groups[j]):
                    groups[i] |= groups.pop(j)
                    changed = True
                    break
            if changed:
                break
    return groups


class Hashed:
    """An episode that can be put into a set."""

    def __init__(self, told_one):
        self.of = told_one

    def __getattr__(self, name):
        return getattr(self.of, name)


@given(st.lists(stretch, max_size=14), st.lists(stretch, max_size=14))
def test_episodes_are_joined_as_the_plain_reference_joins_them(first, second):
    present, new = side(first), side(second)
    found = {
        (frozenset(one.start.id for one in each.present), frozenset(one.start.id for one in each.new))
        for each in conditions(present, new)
    }
    wanted = {
        (
            frozenset(one.start.id for one, is_new in group if not is_new),
            frozenset(one.start.id for one, is_new in group if is_new),
        )
        for group in plainly(list(map(Hashed, present)), list(map(Hashed, new)))
    }
    assert found == wanted


@given(st.lists(stretch, max_size=14), st.lists(stretch, max_size=14))
def test_every_episode_is_in_one_condition_and_every_condition_in_one_count(first, second):
    present, new = side(first), side(second)
    found = conditions(present, new)
    assert sorted(one.start.id for each in found for one in each.present) == sorted(
        one.start.id for one in present
    )
    lines = counted(found, {}).values()
    assert sum(line[outcome] for line in lines for outcome in OUTCOMES) == len(found)
    assert sum(line["new"] for line in lines) == len(new)


@given(st.lists(stretch, max_size=14), st.lists(stretch, max_size=14))
def test_the_other_way_round_each_difference_is_the_opposite(first, second):
    opposite = {
        "only-new": "only-present",
        "later": "earlier",
        "higher": "lower",
        "more": "fewer",
    }
    opposite |= {value: key for key, value in opposite.items()}
    there, back = outcomes(side(first), side(second)), outcomes(side(second), side(first))
    assert sorted(back) == sorted((rule, opposite[outcome]) for rule, outcome in there)
