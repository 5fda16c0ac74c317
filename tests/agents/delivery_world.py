"""A world for tests of delivery's decisions: one partition's log, played to the deciding half record by record."""

from dataclasses import dataclass, field

from alert_of import alert_of

from agents.delivery.episode import decode_episode, encode_episode
from agents.delivery.escalation import Escalation
from streams.config.routing_file import parse_routing
from streams.contracts.alert import Responsibility
from streams.contracts.deliveries import FINAL

ROUTING = """
[channels.pager]
kind = "webhook"

[receivers.nurse]
role = "nurse"
channels = ["pager", "board"]

[receivers.charge]
role = "charge-nurse"
channels = ["pager"]

[receivers.desk]
channels = ["pager"]

[[route]]
name = "urgent"
priority = ["high", "medium"]
fallback = "desk"

[[route.step]]
to = ["nurse"]
wait_s = 60
taken_s = 20

[[route.step]]
to = ["desk"]
wait_s = 90
taken_s = 30
"""

NURSES = {("bed-1", "nurse"): ("n-1",), ("bed-1", "charge-nurse"): ("c-1",)}


def event(number=0, *, rule="spo2-low", patient="bed-1", episode="e1", asked=None, **said):
    """Return one event of an episode; `asked` is (step, role, status[, previous])."""
    responsibility = None
    if asked:
        step, to, status, *previous = asked
        responsibility = Responsibility(
            step=step, to=to, status=status, previous=previous[0] if previous else None
        )
    return alert_of(
        id=f"{episode}-{number}",
        episode=episode,
        patient=patient,
        rule=rule,
        phase=said.pop("phase", "start" if number == 0 else "update"),
        responsibility=responsibility,
        **said,
    )


@dataclass
class World:
    """The log so far, what it led to, and the state; `restart` brings the state back from its records."""

    text: str = ROUTING
    on: dict = field(default_factory=lambda: dict(NURSES))
    ward: str = "north"

    def __post_init__(self):
        self.episodes, self.offset = {}, 0
        self.milestones, self.alerts, self.log = [], [], []
        self.restart()

    def restart(self):
        self.decider = Escalation(
            parse_routing(self.text, "r.toml"),
            lambda patient, ward, role, now: self.on.get((patient, role), ()),
        )
        self.episodes = {name: decode_episode(encode_episode(one)) for name, one in self.episodes.items()}

    def alert(self, at_s, alert, late=False):
        return self.put(("alert", at_s, alert, late))

    def mark(self, at_s, delivery, milestone):
        return self.put(("mark", at_s, delivery.model_copy(update={"milestone": milestone}), False))

    def tick(self, at_s):
        return self.put(("tick", at_s, None, False))

    def ticks(self, from_s, until_s, every_s=0.5):
        at_s = from_s
        while at_s <= until_s:
            self.tick(at_s)
            at_s += every_s

    def put(self, record):
        self.log.append(record)
        self.offset += 1
        return self.take(record, self.offset)

    def take(self, record, offset):
        kind, at_s, what, late = record
        now_ms = round(at_s * 1000)
        if kind == "alert":
            decided = self.decider.take_alert(self.episodes, what, self.ward, now_ms, offset, late)
        elif kind == "mark":
            decided = self.decider.take_milestone(self.episodes, what, now_ms, offset)
        else:
            decided = self.decider.tick(self.episodes, now_ms, offset)
        self.milestones += decided.milestones
        self.alerts += decided.alerts
        return decided

    def queued(self):
        """Return (s, recipient, channel) of what was queued."""
        return [
            (m.at_ts_ms / 1000, m.recipient, m.channel) for m in self.milestones if m.milestone == "queued"
        ]

    def finals(self):
        """Return (s, recipient, channel, final state)."""
        return [
            (m.at_ts_ms / 1000, m.recipient, m.channel, m.milestone)
            for m in self.milestones
            if m.milestone in FINAL
        ]

    def first(self, recipient, channel="pager"):
        """Return the newest queued delivery of a recipient."""
        return [
            m
            for m in self.milestones
            if (m.recipient, m.channel, m.milestone) == (recipient, channel, "queued")
        ][-1]

    def told(self):
        """Return (s, rule, phase) of the technical alerts."""
        return [(a.event_ts_ms / 1000, a.rule, a.phase) for a in self.alerts]
