"""Who may order what, in plain Python (docs/security.md), and what is told of who acts beyond the own wards."""

from plain.refusals import Refused

GLASS_MS = 60_000

NEEDS = {
    "acknowledge": ("acknowledge", "accept", "reject"),
    "pause": ("pause", "resume"),
    "limits": ("set-limits", "set-profile", "admit", "transfer", "discharge"),
    "view": ("break-glass",),
}

MAY = {
    "viewer": "view",
    "nurse": "view acknowledge pause limits",
    "physician": "view acknowledge pause limits",
    "engineer": "view limits configure",
    "administrator": "configure",
    "system": "view acknowledge limits configure",
}

BY_GLASS = ("nurse", "physician", "system")
"""Who acknowledges alarms may act beyond the own wards, and says why."""


class Rights:
    """Asks whether a person may; the alarm of broken glass lasts a minute from its last use."""

    def __init__(self, telling):
        self.telling = telling
        self.used_ms = {}

    def ask(self, person, order, ward):
        """Return whether the glass is broken, which some may do."""
        needed = next(act for act, kinds in NEEDS.items() if order["kind"] in kinds)
        if needed not in MAY[person["role"]].split():
            raise Refused
        if "*" in person["wards"] or ward in person["wards"]:
            return False
        if person.get("break_glass") and person["role"] in BY_GLASS:
            return True
        raise Refused

    def tell(self, bed, moment):
        alarm = bed.alarms["break-glass"]
        if not alarm.is_open:
            alarm.onset, alarm.priority = moment.now_ms, "low"
            self.telling.due(bed, alarm, moment, withheld=False)
        elif alarm.stands == "acknowledged":
            alarm.stands = "active"
            self.telling.tell(bed, alarm, "escalate", moment)
        else:
            self.telling.tell(bed, alarm, "update", moment)
        self.used_ms[bed.name] = moment.now_ms

    def judge(self, bed, moment):
        """End the alarm at a tick, a minute after its last use."""
        alarm = bed.alarms["break-glass"]
        if alarm.is_open and moment.now_ms - self.used_ms[bed.name] >= GLASS_MS:
            self.telling.over(bed, alarm, moment)
