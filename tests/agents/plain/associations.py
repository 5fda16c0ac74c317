"""Who is on which device, in plain Python (docs/alarms.md): devices on no patient, and readings of somebody else."""

from plain.levels import judge_level
from plain.stays import end_stay

UNASSOCIATED_S = 15
WITHDRAWN_MS = 600_000


class Associations:
    """A device that is on no patient is a bed of its own, `~device/ID`."""

    def __init__(self, house, telling, losses):
        self.house, self.telling, self.losses = house, telling, losses

    def leave(self, said, moment):
        """A device does not belong to a bed, from a time on, or up to another."""
        bed = self.house.beds.get(said["patient"])
        if bed is None:
            return
        is_own = bed.name.startswith("~device/")
        if said["withdrawn"] and not is_own:
            bed.withdrawn = "noted"
        device = bed.devices.get(said["device"])
        until_ms = said.get("until_ts_ms")
        if device is None or (until_ms is not None and device.event_ms >= until_ms):
            return
        known_ms = max(bed.known_ms or 0, bed.heard_ms or 0, moment.now_ms)
        others = [other for other in bed.heard() if other is not device]
        if is_own and not others:
            if bed.discharged or bed.heard():
                self.telling.dismiss(bed, moment)
                end_stay(self.house, bed).known_ms = known_ms
            return
        bed.known_ms = known_ms
        del bed.devices[said["device"]]
        self.end_alarms(bed, moment)
        bed.heard_ms = max((d.heard_ms for d in others), default=None)
        if not bed.devices:
            bed.half_minutes = {}

    def end_alarms(self, bed, moment):
        """End the limit alarms that no other device has a run of; without another device, all that is measured."""
        limits = {rule.id for rule in self.house.rules.limits}
        for rule, alarm in bed.alarms.items():
            if alarm.kind == "advisory" or rule in ("misplaced-patient", "readings-withdrawn"):
                continue
            if bed.devices and rule not in limits:
                continue
            if any(device.run(rule).onset is not None for device in bed.devices.values()):
                continue
            if alarm.is_open:
                self.telling.close(bed, alarm, "end", moment)
            else:
                self.telling.rest(bed, alarm)

    def judge(self, bed, moment):
        """Tell at a tick."""
        self.judge_withdrawn(bed, moment)
        if bed.name.startswith("~device/") and self.house.rules.technical.enabled:
            sends = any(
                moment.now_ms - device.heard_ms <= self.losses.silent_ms_max(device) for device in bed.heard()
            )
            alarm = bed.alarms["unassociated-device"]
            judge_level(self.telling, bed, alarm, 2 if sends else 0, UNASSOCIATED_S, moment)

    def judge_withdrawn(self, bed, moment):
        alarm = bed.alarms["readings-withdrawn"]
        if bed.withdrawn == "noted":
            bed.withdrawn = moment.now_ms
            if not alarm.is_open:
                alarm.onset, alarm.priority = moment.now_ms, "medium"
                self.telling.due(bed, alarm, moment, withheld=False)
        elif alarm.is_open and moment.now_ms - bed.withdrawn >= WITHDRAWN_MS:
            self.telling.over(bed, alarm, moment)
