"""Sensors and devices that are not to be believed, in plain Python (docs/rules.md, `[technical]`)."""

from plain.levels import judge_level
from plain.readings import HALF_MINUTE_MS, most_readings

from clinical.vitals import REPORTED, SIGNALS

CONTRADICTION_MS = 15_000
LOOK_MS = 125


class Doubts:
    """Contradicting heart rate and pulse, babbling devices, wrong clocks, devices that only catch up."""

    def __init__(self, rules, telling, losses):
        self.rules = rules.technical
        self.telling = telling
        self.losses = losses

    def judge(self, bed, rule, level, delay_s, moment):
        judge_level(self.telling, bed, bed.alarms[rule], level, delay_s, moment)

    def judge_sensors(self, bed, moment):
        if self.rules.check_sensor_s > 0:
            level = 2 if self.contradict(bed, moment.now_ms) else 0
            self.judge(bed, "check-sensor", level, self.rules.check_sensor_s, moment)

    @staticmethod
    def contradict(bed, now_ms):
        """Whether heart rate and pulse, both of now, are more than 20 % apart."""
        if not ("hr" in bed.value and "pulse" in bed.value):
            return False
        age = now_ms - min(bed.value_ms["hr"], bed.value_ms["pulse"])
        if age > max(CONTRADICTION_MS, 2 * bed.interval_ms):
            return False
        return abs(bed.value["hr"] - bed.value["pulse"]) > 0.2 * max(bed.value["hr"], bed.value["pulse"])

    def judge_devices(self, bed, moment):
        longest = self.losses.silent_ms_max(bed)
        clocks = [d.clock for d in bed.devices.values() if moment.now_ms - d.append_ms <= longest]
        only_held_back = bool(clocks) and all(clock == "held-back" for clock in clocks)
        fault_s = self.rules.device_fault_s
        self.judge(bed, "clock-suspect", 1 if "suspect" in clocks else 0, fault_s, moment)
        self.judge(bed, "backlog", 2 if only_held_back else 0, fault_s, moment)

    def judge_babbling(self, bed, moment):
        """At least 60 readings of a signal in the last half-minute, and over four times what was announced."""
        readings = most_readings(bed, moment.now_ms // HALF_MINUTE_MS - 1)
        babbles = readings >= 60 and readings * bed.interval_ms > 4 * HALF_MINUTE_MS
        self.judge(bed, "babbling-device", 1 if babbles else 0, self.rules.device_fault_s, moment)

    @staticmethod
    def leaves_out(bed, frame, now_ms):
        """While a device babbles: whether every signal that a live frame carries was judged just before it.

        An alarm that the device itself reports may begin in one frame only, which is never left out.
        """
        carried = [signal.name for signal in SIGNALS if signal.name in frame]
        if bed.alarms["babbling-device"].stands == "quiet" or not carried:
            return False
        if any(frame.get(name) is True and bed.value.get(name) != 1 for name in REPORTED):
            return False
        look_ms = min(LOOK_MS, frame["interval_ms"])
        return all(name in bed.newest and now_ms - bed.newest[name] < look_ms for name in carried)
