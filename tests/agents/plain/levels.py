"""Conditions with levels in plain Python: scores by their bands, and everything else that a tick finds to hold or not.

A change is told of when it has lasted for the rule's delay: a rise to the highest level that was reached all the
time, a fall to the highest one in that time. Where nobody can say, what had begun to change begins anew.
"""

PRIORITY = {1: "low", 2: "medium", 3: "high"}
LEVEL = {priority: level for level, priority in PRIORITY.items()}


def judge_level(telling, bed, alarm, level, delay_s, moment, shown=None):
    """Judge one alarm by its level: 0 = the condition does not hold, 1 to 3 = low to high, None = nobody can say."""
    told = 0 if alarm.stands == "quiet" else LEVEL[alarm.priority]
    for each in PRIORITY:
        if level is not None and (level >= each) != (told >= each):
            alarm.moving.setdefault(each, moment.now_ms)
        else:
            alarm.moving.pop(each, None)
    lasted = [each for each, since in alarm.moving.items() if moment.now_ms - since >= round(delay_s * 1000)]
    if lasted and level > told:
        rise(telling, bed, alarm, told, max(lasted), moment, shown)
    elif lasted:
        fall(telling, bed, alarm, min(lasted) - 1, moment, shown)
    if alarm.stands == "withheld":
        telling.due(bed, alarm, moment, bed.withheld(alarm), shown)


def rise(telling, bed, alarm, told, level, moment, shown):
    if told == 0:
        alarm.onset, alarm.priority = alarm.moving[1], PRIORITY[level]
        telling.due(bed, alarm, moment, bed.withheld(alarm), shown)
    else:
        telling.rank(bed, alarm, PRIORITY[level], True, moment, shown)
    alarm.moving = {each: since for each, since in alarm.moving.items() if each > level}


def fall(telling, bed, alarm, level, moment, shown):
    alarm.moving = {each: since for each, since in alarm.moving.items() if each <= level}
    if level == 0:
        telling.over(bed, alarm, moment, shown)
    else:
        telling.rank(bed, alarm, PRIORITY[level], False, moment, shown)
