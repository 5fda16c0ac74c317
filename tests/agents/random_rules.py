"""Random rule sets for tests, as short and as crowded as the random logs of `logs`."""

from hypothesis import strategies as st

from clinical.rules import (
    AgeLimits,
    DriftRule,
    LimitRule,
    News2Rules,
    PauseRules,
    RuleSet,
    ScoreRule,
    Step,
    TechnicalRules,
    TrendRule,
)

COURSES = (
    (ScoreRule("mews", delay_s=5), ScoreRule("shock-index", inputs_min=2, delay_s=0), ScoreRule("pews")),
    (
        TrendRule("hr-trend", "hr", minutes=5, fall=1.0371, rise=1.0371, delay_s=0),
        TrendRule("spo2-ahead", "spo2", minutes=5, low=90.0371, ahead_min=5, delay_s=30, priority="medium"),
        TrendRule("pulse-ahead", "pulse", minutes=6, high=110.0371, ahead_min=3.5, delay_s=60),
    ),
    (
        DriftRule("spo2-drift", "spo2", sigma=1.0, threshold=1.0371, delay_s=0),
        DriftRule("hr-drift", "hr", sigma=5.0, weight=0.1, threshold=3.0371, delay_s=60),
    ),
)
"""Scores, trends and drifts that random readings reach; no line meets a limit to the last digit."""

WATCHED = (
    ("hr", None, 120),
    ("hr", 50, None),
    ("hr", 50, 120),
    ("pulse", 50, 120),
    ("pulse", None, 119),
    ("spo2", 90, None),
    ("spo2", 88, None),
    ("temp", None, 39.0),
)
"""Signals with a low and a high limit."""

STEPS = (Step("nurse", 5), Step("team", 30))


@st.composite
def limit_rules(draw, number):
    """A rule on one of a few signals, with short delays."""
    seconds_of = st.sampled_from((0, 1, 5, 10, 15))
    signal, low, high = draw(st.sampled_from(WATCHED))
    return LimitRule(
        f"rule-{number}",
        signal,
        low,
        high,
        draw(seconds_of),
        draw(st.sampled_from((0, 0, 1, 2))),
        draw(seconds_of),
        draw(st.sampled_from(("low", "medium", "high"))),
        neonate=draw(st.sampled_from((None, None, AgeLimits(low and low - 4, high and high + 5)))),
        infant=draw(st.sampled_from((None, None, AgeLimits(low and low - 2, high and high + 3)))),
        latch=draw(st.booleans()),
        integral=draw(st.sampled_from((None, None, 5.0, 60.0))),
        gap_s=draw(st.sampled_from((0, 5, 10))),
        excess_s=draw(st.sampled_from((None, None, 6.0, 30.0))),
        never_withheld=draw(st.sampled_from((False, False, True))),
        worse_step=draw(st.sampled_from((None, None, 4.0))),
        **draw(st.sampled_from(({}, {}, bounds_of(low, high)))),
        told_by=draw(st.sampled_from((None, "hr", "hr"))) if signal == "pulse" else None,
    )


@st.composite
def rule_sets(draw, technical=True):
    """One to five limit rules, several of them on one signal, with short delays and steps of responsibility."""
    limits = [draw(limit_rules(i)) for i in range(draw(st.integers(1, 5)))]
    return RuleSet(
        tuple(limits),
        TechnicalRules(
            silent_device_s=15,
            signal_loss_s=20,
            escalate_s=30,
            check_sensor_s=draw(st.sampled_from((5, 5, 10, 0))),
            device_fault_s=draw(st.sampled_from((1, 30))),
            vital_loss_s=draw(st.sampled_from((0, 5, 10))),
            age_unknown_s=draw(st.sampled_from((0, 10, 60))),
            enabled=technical,
        ),
        News2Rules(technical, draw(st.sampled_from((3, 5, 7))), draw(st.sampled_from((0, 5, 30)))),
        draw(st.sampled_from(((), STEPS, STEPS))),
        *(draw(st.sampled_from((((), (), ()), COURSES))) if technical else ((), (), ())),
        PauseRules(draw(st.sampled_from((20, 90)))),
    )


def bounds_of(low, high):
    """Return how far orders may move a rule's limits, not as far as they may by default."""
    return {"low_min": low and low - 6, "high_max": high and high + 6}
