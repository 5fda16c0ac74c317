"""Wards that fall silent as a whole, in plain Python: one alarm of the ward, not of each patient (docs/rules.md)."""

from dataclasses import dataclass, field

from plain.beds import Alarm, Bed

WARD = "~ward/"
PATIENTS_MIN = 3
TOGETHER_MS = 30_000
NEARLY_MS = 5_000
MINUTE_MS = 60_000


@dataclass(eq=False)
class Ward(Bed):
    """A ward as somebody who has an alarm; `lost` are the patients who are part of it."""

    lost: list = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)

    @property
    def alarm(self):
        return self.alarms["ward-silent"]


class Wards:
    """The wards of one partition."""

    def __init__(self, rules, telling, losses, beds):
        self.rules = rules.technical
        self.telling = telling
        self.losses = losses
        self.beds = beds
        self.wards = {}

    def judge(self, moment):
        """Judge every ward; who is part of a loss is not told of singly."""
        for name in sorted({bed.ward for bed in self.beds.values() if bed.ward}):
            ward = self.wards.setdefault(
                name, Ward(WARD + name, {"ward-silent": Alarm("ward-silent", "technical")})
            )
            here = [bed for bed in self.beds.values() if bed.ward == name and self.counts(bed)]
            lost = self.who_is_lost(ward, here, moment.now_ms)
            self.tell(ward, lost, moment)

    @staticmethod
    def counts(bed):
        return bed.is_monitored and not bed.discharged

    def who_is_lost(self, ward, here, now_ms):
        """Return who is part of the loss: nobody, or at least three and at least half of those who count.

        Who was told of singly counts no more. One must be silent for as long as his devices may be, the others
        nearly so, their last frames close to his; who was part of the loss stays in it while he is silent.
        """
        known = [
            bed for bed in here if bed.heard_ms is not None and bed.alarms["silent-device"].stands == "quiet"
        ]
        quiet = {bed.name: now_ms - bed.heard_ms - self.patience_ms(bed) for bed in known}
        last = max((bed.heard_ms for bed in known if quiet[bed.name] >= 0), default=None)
        silent = []
        for bed in known:
            is_close = last is not None and abs(last - bed.heard_ms) <= TOGETHER_MS
            if quiet[bed.name] >= -NEARLY_MS and (is_close or bed in ward.lost):
                silent.append(bed)
        return silent if len(silent) >= PATIENTS_MIN and 2 * len(silent) >= len(known) else []

    def patience_ms(self, bed):
        """How long a patient may be silent: as long as the device that was heard last."""
        return self.losses.silent_ms_max(max(bed.devices.values(), key=lambda device: device.used))

    def tell(self, ward, lost, moment):
        alarm, before = ward.alarm, ward.lost
        ward.lost = lost
        if lost and not before:
            alarm.priority, alarm.stands = "medium", "active"
            alarm.onset = min(bed.heard_ms for bed in lost) // MINUTE_MS * MINUTE_MS
            number = ward.numbers.get(alarm.onset, 0)
            self.telling.tell(ward, alarm, "start", moment, shown=len(lost), number=number)
        elif not lost:
            self.end(ward, moment)
        elif alarm.stands == "acknowledged":
            if any(bed not in before for bed in lost):  # nobody knows of these yet
                alarm.stands = "active"
                self.telling.tell(ward, alarm, "update", moment, shown=len(lost))
        elif self.telling.is_to_be_reminded_of(alarm, moment):
            self.telling.remind(ward, alarm, moment, shown=len(lost))

    def is_part(self, bed):
        return any(bed in ward.lost for ward in self.wards.values())

    def leave(self, bed, moment):
        """Let a patient go who is discharged, moved or gone; with the last one a ward's alarm ends."""
        for ward in self.wards.values():
            if bed in ward.lost:
                ward.lost = [other for other in ward.lost if other is not bed]
                if not ward.lost:
                    self.end(ward, moment)

    def end(self, ward, moment):
        """End the alarm; another loss in the same minute goes on with the numbers of its episode."""
        if ward.alarm.is_open:
            ward.numbers[ward.alarm.onset] = ward.alarm.number + 1
        self.telling.over(ward, ward.alarm, moment, shown=0)
