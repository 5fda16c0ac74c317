"""Scores in plain Python: which readings are fresh enough, what they add up to, and which level that is."""

from plain.charts import PEWS_OXYGEN_AT_LEAST, mews, news2, news2_level, pews, qsofa
from plain.levels import LEVEL, judge_level

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

READ_BY = {
    "news2": (
        "resp",
        "spo2",
        "on_oxygen",
        "abp_sys",
        "nbp_sys",
        "pulse",
        "hr",
        "consciousness",
        "temp",
        "fio2",
    ),
    "mews": ("abp_sys", "nbp_sys", "pulse", "hr", "resp", "temp", "consciousness"),
    "qsofa": ("resp", "abp_sys", "nbp_sys", "consciousness"),
    "shock-index": ("pulse", "hr", "abp_sys", "nbp_sys"),
    "pews": ("pulse", "hr", "abp_sys", "nbp_sys", "resp", "spo2", "on_oxygen", "fio2"),
}
"""The signals that each score reads."""

INTERVALS = 2
WORDS = {
    "news2": {0: "low", 1: "low-medium", 2: "medium", 3: "high"},
    "mews": {0: "low", 3: "critical"},
    "qsofa": {0: "negative", 2: "positive"},
    "pews": {0: "low", 3: "high"},
}
"""What each level is called by the score's source."""

RAISED_ABOVE, SHOCK_ABOVE = 0.7, 1.0

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
            if level is not None and self.stays_up(bed, rule) and alarm.stands != "quiet":
                level = max(level, LEVEL[alarm.priority])
            if level is None and not self.was_known(bed, rule, moment.now_ms):
                # For so long that nothing can be said any more; what was measured before does not count again.
                came = [bed.latest(name).value_ms[name] for name in READ_BY[rule.id] if bed.latest(name)]
                if max(came, default=-1) > bed.lapsed_ms.get(rule.id, -1):
                    bed.lapsed_ms[rule.id] = moment.now_ms
                self.telling.over(bed, alarm, moment)
            else:
                judge_level(self.telling, bed, alarm, level, rule.delay_s, moment, shown)

    @staticmethod
    def is_for_others(bed, rule):
        """Whether a score is made for other ages."""
        return (bed.band == "adult") == (rule.id == "pews")

    def stays_up(self, bed, rule):
        """Whether the last sample of anything that a score reads is a bound: it does not fall then."""
        if self.is_for_others(bed, rule):
            return False
        devices = [(name, bed.latest(name)) for name in READ_BY[rule.id]]
        return any(device is not None and device.value[name] is None for name, device in devices)

    def was_known(self, bed, rule, now_ms):
        """Whether enough was measured not too long ago: an hour, or two of the intervals of what is read."""
        devices = [bed.latest(name) for name in READ_BY[rule.id]]
        longest = max(UNSCORED_MS, *(INTERVALS * (d.interval_ms if d else 1000) for d in devices))
        return self.enough(rule, self.points(bed, rule, now_ms - longest, keep=False))

    def again(self, bed, alarm, now_ms):
        """Return the score as it is now, None for an alarm that is no score's."""
        rule = next((rule for rule in self.rules if rule.id == alarm.rule), None)
        return rule and self.score(bed, rule, now_ms)[1]

    def points(self, bed, rule, now_ms, keep):
        """Return points by input, level and total, with the last points of what is not measured now, or without."""
        self.keep = bed.lapsed_ms.get(rule.id, -1) if keep else None
        return getattr(self, rule.id.replace("-", "_"))(bed, now_ms)

    def enough(self, rule, found):
        points = found[0]
        known = sum(each is not None for each in points.values())
        return known >= (len(points) if rule.id == "shock-index" else rule.inputs_min)

    def score(self, bed, rule, now_ms):
        """Return the level, and the number that is shown with what it lacks."""
        measured = self.points(bed, rule, now_ms, keep=False)
        points, level, total = self.points(bed, rule, now_ms, keep=rule.id != "shock-index")
        missing = tuple(name for name, known in points.items() if known is None)
        if self.is_for_others(bed, rule):
            level = 0
        elif not self.enough(rule, measured):
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
        """Return every input by name, None where nothing counts; uncharted oxygen is inspired, or expected."""
        fresh = {name: self.first_fresh(bed, signals, now_ms) for name, signals in SIGNALS_OF.items()}
        given = {name: self.reading(bed, signals, now_ms) for name, signals in SIGNALS_OF.items()}
        said = None if bed.oxygen is None else float(bed.oxygen)
        now = fresh["on_oxygen"], oxygen_in(fresh), said, air_in(fresh)
        then = given["on_oxygen"], oxygen_in(given), air_in(given)
        given["on_oxygen"] = next((each for each in now + then if each is not None), None)
        return given

    def reading(self, bed, signals, now_ms):
        """Return the first fresh reading, else the last one, if it is kept and came after the score lapsed."""
        found = self.first_fresh(bed, signals, now_ms)
        if found is not None or self.keep is None:
            return found
        came = [(bed.latest(name).value_ms[name], name) for name in signals if bed.latest(name)]
        last_ms = max((at for at, _ in came), default=-1)
        name = next((name for at, name in came if at == last_ms), None)
        return bed.latest(name).value[name] if last_ms > self.keep else None

    @staticmethod
    def first_fresh(bed, signals, now_ms, ages_s=()):
        """Return the first signal's reading that is fresh: younger than its age, or than two announced intervals."""
        for name in signals:
            device = bed.latest(name)
            if device is None:
                continue
            age_s = ages_s[name] if name in ages_s else SIGNALS[INDEX[name]].age_s_max
            longest = max(age_s * 1000, INTERVALS * device.interval_ms)
            if now_ms - device.value_ms[name] <= longest and device.value[name] is not None:  # no bound
                return device.value[name]
        return None


def oxygen_in(given):
    """Return 1 where more oxygen is inspired than air holds, else None."""
    return 1.0 if given["fio2"] is not None and given["fio2"] > 21 else None


def air_in(given):
    """Return 0 where air is inspired, else None."""
    return 0.0 if given["fio2"] is not None and given["fio2"] <= 21 else None


def known_of(points):
    return [known for known in points.values() if known is not None]
