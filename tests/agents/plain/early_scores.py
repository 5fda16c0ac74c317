"""Scores in plain Python: which readings are fresh enough, what they add up to, and which level that is."""

from plain.charts import PEWS_OXYGEN_AT_LEAST, mews, news2, news2_level, pews, qsofa
from plain.levels import judge_level

from clinical.rules import ScoreRule
from clinical.vitals import INDEX, SIGNALS

SIGNALS_OF = {
    "resp": ("resp",),
    "spo2": ("spo2",),
    "on_oxygen": ("on_oxygen",),
    "sbp": ("abp_sys", "nbp_sys"),
    "pulse": ("pulse", "hr"),
    "consciousness": ("consciousness",),
    "temp": ("temp",),
    "fio2": ("fio2",),
}
"""The signals of each input, the one that is preferred first."""

SAME_TIME_S = 300
"""Of a shock index the cuff pressure may be so much older than now."""

UNSCORED_MS = 3_600_000
"""An alarm ends when there was no score for so long."""


class Scores:
    """The scores that a rule set asks for."""

    def __init__(self, rules, telling):
        news2_rule = ScoreRule("news2", rules.news2.inputs_min, rules.news2.delay_s)
        self.rules = ([news2_rule] if rules.news2.enabled else []) + list(rules.scores)
        self.telling = telling

    def judge(self, bed, moment):
        for rule in self.rules:
            alarm = bed.alarms[rule.id]
            level, shown = self.score(bed, rule, moment.now_ms)
            longest = max(UNSCORED_MS, 2 * bed.interval_ms)
            if level is None and self.score(bed, rule, moment.now_ms - longest)[0] is None:
                self.telling.over(
                    bed, alarm, moment
                )  # not measured for so long: nothing can be said any more
            else:
                judge_level(self.telling, bed, alarm, level, rule.delay_s, moment, shown)

    def again(self, bed, alarm, now_ms):
        """Return the score as it is now, None for an alarm that is no score's."""
        rule = next((rule for rule in self.rules if rule.id == alarm.rule), None)
        return rule and self.score(bed, rule, now_ms)[1]

    def score(self, bed, rule, now_ms):
        """Return the level, and the number that is shown with what it lacks."""
        points, level, total = getattr(self, rule.id.replace("-", "_"))(bed, now_ms)
        missing = tuple(name for name, known in points.items() if known is None)
        if (bed.band == "adult") == (rule.id == "pews"):
            level = 0  # made for other ages
        elif len(points) - len(missing) < rule.inputs_min:
            level = None
        return level, (round(total, 2), missing)

    def news2(self, bed, now_ms):
        points = news2(self.inputs(bed, now_ms), bed.scale2)
        known = known_of(points)
        return points, news2_level(known), sum(known)

    def mews(self, bed, now_ms):
        points = mews(self.inputs(bed, now_ms))
        total = sum(known_of(points))
        return points, 3 if total >= 5 else 0, total

    def qsofa(self, bed, now_ms):
        points = qsofa(self.inputs(bed, now_ms))
        total = sum(known_of(points))
        return points, 2 if total >= 2 else 0, total

    def pews(self, bed, now_ms):
        given = self.inputs(bed, now_ms)
        points = pews(given, bed.band)
        total = sum(known_of(points))
        if points["oxygen"] is None and given["on_oxygen"]:
            total += PEWS_OXYGEN_AT_LEAST
        return points, 3 if total >= 8 else 0, total

    def shock_index(self, bed, now_ms):
        """Heart rate over systolic pressure of one time: shock above 1."""
        readings = {
            "pulse": self.first_fresh(bed, ("pulse", "hr"), now_ms),
            "sbp": self.first_fresh(bed, ("abp_sys", "nbp_sys"), now_ms, {"nbp_sys": SAME_TIME_S}),
        }
        whole = {name: None if v is None else int(v + 0.5) for name, v in readings.items()}
        index = whole["pulse"] / whole["sbp"] if None not in whole.values() else 0.0
        return whole, 2 if index > 1 else 0, index

    def inputs(self, bed, now_ms):
        """Return every input by name, None where nothing is fresh; uncharted oxygen is as the profile expects."""
        given = {name: self.first_fresh(bed, signals, now_ms) for name, signals in SIGNALS_OF.items()}
        if given["on_oxygen"] is None and bed.oxygen is not None:
            given["on_oxygen"] = float(bed.oxygen)
        return given

    @staticmethod
    def first_fresh(bed, signals, now_ms, ages_s=()):
        """Return the first signal's reading that is fresh: younger than its age, or than two announced intervals."""
        for name in signals:
            age_s = ages_s[name] if name in ages_s else SIGNALS[INDEX[name]].age_s_max
            longest = max(age_s * 1000, 2 * bed.interval_ms)
            if name in bed.value_ms and now_ms - bed.value_ms[name] <= longest:
                return bed.value[name]
        return None


def known_of(points):
    return [known for known in points.values() if known is not None]
