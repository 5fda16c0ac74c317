"""Commands in plain Python: what people tell the alarm system about a patient's alarms and stay (docs/alarms.md)."""

from plain.beds import RANK, Bed
from plain.refusals import Refused
from plain.widened import way_out

from clinical.rules import AGE_BANDS
from clinical.vitals import FLAGS, SIGNALS

COMMANDS_KEPT = 32
AHEAD = ("set-limits", "set-profile")
"""Commands that may come before the patient's first frame, and hold then."""

OF_A_STAY = ("set-limits", "set-profile", "transfer", "discharge")


class Commands:
    """Applies each command once and notes what became of it."""

    def __init__(self, house, limits, telling, rights):
        self.house = house
        self.limits = limits
        self.telling = telling
        self.rights = rights
        self.answers = []

    def take(self, order, person, moment):
        bed = self.house.beds.get(order["patient"])
        if bed is None and self.house.strangers.home_of(order["patient"]) != self.house.place.partition:
            return
        is_new = bed is None
        if bed is not None and order["id"] in bed.commands[-COMMANDS_KEPT:]:
            return
        try:
            if bed is None and order["kind"] not in ("admit", *AHEAD):
                raise Refused
            if bed is not None and bed.discharged and order["kind"] in OF_A_STAY:
                raise Refused
            if bed is None:
                if self.house.strangers.is_full():
                    raise Refused
                bed = self.house.bed(order["patient"])
            glass = self.rights.ask(person, order, bed.ward or order.get("ward") or "")
            getattr(self, order["kind"].replace("-", "_"))(bed, order, moment)
            if glass:  # who is discharged lies in another bed now
                self.rights.tell(self.house.beds[order["patient"]], moment)
            outcome = "accepted"
        except Refused:
            outcome = "refused"
            if is_new and bed is not None:
                bed = None
                del self.house.beds[order["patient"]]
        if bed is not None:
            bed.commands.append(order["id"])
            bed = self.house.beds[order["patient"]]
            bed.known_ms = max(bed.known_ms or 0, moment.now_ms)
        self.answers.append((moment.offset, order["id"], outcome))

    def break_glass(self, bed, order, moment):
        """Nothing but what is told of it."""

    # --- alarms

    @staticmethod
    def open_alarm(bed, order):
        """Return the open alarm of an episode; a pause is an alarm that only `resume` ends."""
        for alarm in bed.open_alarms():
            if alarm.rule != "alarms-paused" and bed.episode(alarm) == order["episode"]:
                return alarm
        raise Refused

    def acknowledge(self, bed, order, moment):
        alarm = self.open_alarm(bed, order)
        if alarm.stands == "latched":
            self.telling.close(bed, alarm, "reset", moment)
        elif alarm.stands == "active":
            alarm.stands, alarm.known = "acknowledged", alarm.worst
            self.telling.tell(bed, alarm, "update", moment)
        else:
            raise Refused

    def accept(self, bed, order, moment):
        alarm = self.open_alarm(bed, order)
        if alarm.step == 0 or alarm.status == "accepted":
            raise Refused
        alarm.status = "accepted"
        self.telling.tell(bed, alarm, "update", moment)

    def reject(self, bed, order, moment):
        alarm = self.open_alarm(bed, order)
        if alarm.step == 0:
            raise Refused
        self.telling.ask_next(bed, alarm, "rejected", moment)

    def pause(self, bed, order, moment):
        """Begin a pause: one that is off lasts as long as the rules say."""
        mode = order.get("mode", "audio-paused")
        lasts_s = self.house.rules.pauses.off_s_max if mode.endswith("off") else order.get("seconds", 120)
        self.telling.pause(bed, mode, moment.now_ms + round(lasts_s * 1000), moment)

    def resume(self, bed, order, moment):
        if not bed.pause:
            raise Refused
        self.telling.resume(bed, moment)

    # --- limits and profile

    def set_limits(self, bed, order, moment):
        rule = next((rule for rule in self.limits.rules if rule.id == order["rule"]), None)
        low, high = order.get("low"), order.get("high")
        if rule is None or rule.signal in FLAGS:
            raise Refused
        if (low is not None and rule.low is None) or (high is not None and rule.high is None):
            raise Refused
        way = way_out(rule, bed.band, bed.scale2, low, high)
        if way > 1 or (way > 0.5 and not order.get("reason")):
            raise Refused
        before = bed.limits.get(rule.id, (None, None))
        own = (before[0] if low is None else low, before[1] if high is None else high)
        if low is None and high is None:
            own = (None, None)
        self.change_limits(bed, {**bed.limits, rule.id: own}, bed.band, bed.scale2, {rule.signal})

    def set_profile(self, bed, order, moment):
        self.change_band(bed, order, order.get("spo2_scale2", bed.scale2))
        bed.oxygen = order.get("expected_oxygen", bed.oxygen)
        self.move(bed, order.get("ward") or bed.ward)

    def change_band(self, bed, order, scale2):
        """Take the age band, if the order names one, and the SpO2 scale."""
        band = order.get("age_band") or bed.band
        rules = [rule for rule in self.limits.rules if bed.limits.get(rule.id, (None, None)) != (None, None)]
        if (band, scale2) != (bed.band, bed.scale2) and any(
            way_out(rule, band, scale2, *bed.limits[rule.id]) > 1 for rule in rules
        ):
            raise Refused
        self.change_limits(bed, bed.limits, band, scale2, {rule.signal for rule in rules})
        bed.age_is_known = bed.age_is_known or bool(order.get("age_band"))

    def change_limits(self, bed, limits, band, scale2, signals):
        """Take limits, age band and SpO2 scale if they fit: range, distance, and the more severe one further out."""
        assert band in AGE_BANDS
        trial = Bed(bed.name, {}, limits=limits, band=band, scale2=scale2)
        for signal in SIGNALS:
            held = [
                (RANK[rule.priority], *self.limits.limits(trial, rule))
                for rule in self.limits.rules
                if rule.signal == signal.name in signals
            ]
            for one in held:
                for other in held:
                    if not fit_together(signal, one, other):
                        raise Refused
        bed.limits, bed.band, bed.scale2 = limits, band, scale2

    # --- the stay

    def admit(self, bed, order, moment):
        if bed.since_ms is not None and not bed.discharged:
            raise Refused
        self.change_band(bed, order, bed.scale2)
        bed.since_ms, bed.discharged = moment.now_ms, False
        self.move(bed, order.get("ward") or bed.ward)

    def transfer(self, bed, order, moment):
        if bed.ward == order["ward"]:
            raise Refused
        self.move(bed, order["ward"])

    def move(self, bed, ward):
        if bed.ward != ward:
            self.house.silences.leave(bed, self.house.ticked)
            bed.ward = ward

    def discharge(self, bed, order, moment):
        """End all; what was measured up to now belongs to who has left."""
        self.telling.dismiss(bed, moment)
        bed = end_stay(self.house, bed)
        bed.discharged, bed.since_ms = True, moment.now_ms


def end_stay(house, bed):
    """Return the bed that comes in place of one: it knows which frames and commands have come, and nothing else."""
    alarms = house.alarms()
    for rule, alarm in alarms.items():  # no episode of a rule has the onset of another one
        if is_remembered(rule, house.rules.limits):
            alarm.over_onset = bed.alarms[rule].over_onset
    house.beds[bed.name] = Bed(
        bed.name,
        alarms,
        devices={name: device.of_another_stay() for name, device in bed.devices.items()},
        pause_ms=bed.pause_ms,
        commands=bed.commands,
        known_ms=bed.known_ms,
    )
    return house.beds[bed.name]


def is_remembered(rule, limits):
    """Whether the onset of an alarm's last episode is remembered: of limits and losses."""
    losses = ("silent-device", "signal-loss-", "unreliable-signal-")
    return rule.startswith(losses) or any(rule == limit.id for limit in limits)


def fit_together(signal, one, other):
    """Whether two rules' (rank, low, high) on one signal may hold together."""
    gap = 5 if signal.name.startswith(("nbp", "abp")) else 2 * signal.resolution
    (rank, low, high), (other_rank, other_low, other_high) = one, other
    if any(abs(limit) != float("inf") and not signal.low <= limit <= signal.high for limit in (low, high)):
        return False
    if other_high - low < gap - 1e-9:
        return False
    if rank > other_rank and other_low != float("-inf") and low > other_low:
        return False
    return not (rank > other_rank and other_high != float("inf") and high < other_high)
