"""Trends and drifts in plain Python: the half-minute means of the last minutes, looked at when one is over."""

from plain.levels import LEVEL, judge_level
from plain.readings import HALF_MINUTE_MS, half_minute_means

DRIFT_HALF_MINUTES = 30
FILLED_MIN = 0.5


class Courses:
    """The trends and drifts of a rule set."""

    def __init__(self, rules, telling):
        self.trends, self.drifts = rules.trends, rules.drifts
        self.telling = telling

    def judge(self, bed, moment):
        last = moment.now_ms // HALF_MINUTE_MS - 1
        for rule in self.trends:
            means = half_minute_means(bed, rule.signal, last, 2 * rule.minutes)
            self.level(bed, rule, holds_enough(means) and has_trend(rule, means), moment)
        for rule in self.drifts:
            means = half_minute_means(bed, rule.signal, last, DRIFT_HALF_MINUTES)
            self.level(bed, rule, holds_enough(means) and has_drift(rule, means), moment)

    def level(self, bed, rule, holds, moment):
        level = LEVEL[rule.priority] if holds else 0
        judge_level(self.telling, bed, bed.alarms[rule.id], level, rule.delay_s, moment)


def holds_enough(means):
    return sum(mean is not None for mean in means) >= FILLED_MIN * len(means)


def has_trend(rule, means):
    """Whether the straight line through the means is steep enough, or about to cross a limit."""
    slope, level = line(means)
    ahead = level + slope * rule.ahead_min
    return (
        (rule.fall is not None and slope <= -rule.fall)
        or (rule.rise is not None and slope >= rule.rise)
        or (rule.low is not None and ahead < rule.low <= level)
        or (rule.high is not None and level <= rule.high < ahead)
    )


def line(means):
    """Return slope a minute and value at the end of the last half-minute of the least-squares line."""
    at_min = [(i - len(means) + 0.5) / 2 for i in range(len(means))]
    points = [(t, mean) for t, mean in zip(at_min, means, strict=True) if mean is not None]
    middle = sum(t for t, _ in points) / len(points)
    mean = sum(x for _, x in points) / len(points)
    slope = sum((t - middle) * (x - mean) for t, x in points) / sum((t - middle) ** 2 for t, _ in points)
    return slope, mean - slope * middle


def has_drift(rule, means):
    """Whether what an EWMA did not predict adds up to the threshold, upwards or downwards."""
    predicted, up, down = None, 0.0, 0.0
    for mean in means:
        if mean is None:
            continue
        if predicted is None:
            predicted = mean
            continue
        shift = (mean - predicted) / rule.sigma
        up = max(0.0, up + shift - rule.slack)
        down = max(0.0, down - shift - rule.slack)
        predicted += rule.weight * (mean - predicted)
    return up >= rule.threshold or down >= rule.threshold
