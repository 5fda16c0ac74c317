"""Sensors and devices that are not to be believed, in plain Python (docs/rules.md, `[technical]`)."""

from plain.levels import judge_level
from plain.readings import HALF_MINUTE_MS, carries, most_readings

from clinical.vitals import REPORTED, SIGNALS

CONTRADICTION_MS = 15_000
LOOK_MS = 125
REPEATED_MS = 600_000


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
        """Whether heart rate and pulse, both of now and neither missing, are more than 20 % apart."""
        hr, pulse = bed.latest("hr"), bed.latest("pulse")
        if hr is None or pulse is None or "hr" in hr.lost_ms or "pulse" in pulse.lost_ms:
            return False
        age = now_ms - min(hr.value_ms["hr"], pulse.value_ms["pulse"])
        if age > max(CONTRADICTION_MS, 2 * hr.interval_ms, 2 * pulse.interval_ms):
            return False
        rates = hr.value["hr"], pulse.value["pulse"]
        return None not in rates and max(rates) - min(rates) > 0.2 * max(rates)

    def judge_devices(self, bed, moment):
        heard = [d for d in bed.heard() if moment.now_ms - d.heard_ms <= self.losses.silent_ms_max(d)]
        clocks = [device.clock for device in heard]
        only_held_back = bool(clocks) and all(clock == "held-back" for clock in clocks)
        fault_s = self.rules.device_fault_s
        self.judge(bed, "clock-suspect", 1 if "suspect" in clocks else 0, fault_s, moment)
        self.judge(bed, "backlog", 2 if only_held_back else 0, fault_s, moment)
        again = [d.conflicts[-2] for d in bed.heard() if len(d.conflicts) > 1]
        conflicts = any(moment.now_ms - at <= REPEATED_MS for at in again)
        self.judge(bed, "identity-conflict", 1 if conflicts else 0, 0, moment)
        crowded = bed.pushed_out_ms is not None and moment.now_ms - bed.pushed_out_ms <= REPEATED_MS
        self.judge(bed, "too-many-devices", 1 if crowded else 0, 0, moment)

    def judge_babbling(self, bed, moment):
        """At least 60 readings of a signal in the last half-minute, and over four times what was announced."""
        readings = most_readings(bed, moment.now_ms // HALF_MINUTE_MS - 1)
        heard = [d for d in bed.heard() if moment.now_ms - d.heard_ms <= self.losses.silent_ms_max(d)]
        shortest = min((device.interval_ms for device in heard), default=0)
        babbles = readings >= 60 and readings * shortest > 4 * HALF_MINUTE_MS
        self.judge(bed, "babbling-device", 1 if babbles else 0, self.rules.device_fault_s, moment)

    @staticmethod
    def leaves_out(bed, device, frame, now_ms):
        """While a device babbles: whether every signal that a live frame carries was judged just before it.

        An alarm that the device itself reports may begin in one frame only, which is never left out.
        """
        carried = [signal.name for signal in SIGNALS if carries(signal, frame)]
        if bed.alarms["babbling-device"].stands == "quiet" or not carried:
            return False
        if any(frame.get(name) is True and device.value.get(name) != 1 for name in REPORTED):
            return False
        look_ms = min(LOOK_MS, frame["interval_ms"])
        return all(name in device.newest and now_ms - device.newest[name] < look_ms for name in carried)
