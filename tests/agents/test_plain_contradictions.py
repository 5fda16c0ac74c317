"""Contradicting heart rate and pulse against a plain reference: one patient, one second at a time."""

from hypothesis import given, settings
from hypothesis import strategies as st
from test_ticks import Ward

from clinical.rules import LimitRule, RuleSet

DELAY_S = 5
LIMIT = LimitRule("hr-high", "hr", high=120, delay_s=3)
EXTREME = LimitRule("hr-extreme", "hr", high=140, delay_s=2, priority="high")
RULES = RuleSet((LIMIT, EXTREME))

moments = st.lists(
    st.tuples(st.sampled_from((80, 110, 130, 150)), st.sampled_from((80, 88, 130)), st.integers(1, 8)),
    min_size=1,
    max_size=12,
)


class Plain:
    """Frame and tick of each second: two limits on heart rate, and the contradiction with the pulse."""

    def __init__(self):
        self.told = []
        self.since = {"hr-high": None, "hr-extreme": None, "apart": None, "agree": None}
        self.on = dict.fromkeys(("hr-high", "hr-extreme", "check-sensor"), False)

    def tell(self, rule, on):
        if self.on[rule] != on:
            self.on[rule] = on
            self.told.append((self.at_s, rule, "start" if on else "end"))

    def second(self, at_s, hr, pulse):
        self.at_s = at_s
        for rule in (EXTREME, LIMIT):
            if hr <= rule.high:
                self.since[rule.id] = None
                self.tell(rule.id, False)
                continue
            self.since[rule.id] = at_s if self.since[rule.id] is None else self.since[rule.id]
            if at_s - self.since[rule.id] >= rule.delay_s and self.may_start(rule):
                self.tell(rule.id, True)
        apart = abs(hr - pulse) > 0.2 * max(hr, pulse)
        for name, holds in (("apart", apart), ("agree", not apart)):
            self.since[name] = (at_s if self.since[name] is None else self.since[name]) if holds else None
        long = self.since["apart" if apart else "agree"] <= at_s - DELAY_S
        if long:
            self.tell("check-sensor", apart)
        waits = self.since["hr-high"] is not None and at_s - self.since["hr-high"] >= LIMIT.delay_s
        if waits and self.may_start(LIMIT):
            self.tell("hr-high", True)  # a tick announces what nothing withholds any more

    def may_start(self, rule):
        if self.on[rule.id] or rule is EXTREME:
            return True
        return not self.on["check-sensor"] and not self.on["hr-extreme"]


@settings(max_examples=80, deadline=None)
@given(moments)
def test_a_contradiction_withholds_and_releases_as_a_plain_reading_says(stretches):
    bed, plain, told, at_s = Ward(RULES), Plain(), [], 100
    for hr, pulse, seconds in stretches:
        for _ in range(seconds):
            happened = bed.frame(at_s, hr=hr, pulse=pulse) + bed.tick(at_s)
            told += [(at_s, rule, phase) for rule, phase, *_ in happened if phase in ("start", "end")]
            plain.second(at_s, hr, pulse)
            at_s += 1
    assert sorted(told) == sorted(plain.told)
    withheld = [rule for _, rule, phase in told if phase == "start"]
    assert withheld.count("hr-extreme") == [rule for _, rule, p in plain.told if p == "start"].count(
        "hr-extreme"
    )
