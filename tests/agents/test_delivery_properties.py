"""Any log of alarms, milestones and ticks: one end a delivery, steps on time, and the same after a restart anywhere."""

import copy
from collections import Counter

from delivery_world import World, event
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery.episode import RANK, TAKEN
from streams.contracts.deliveries import FINAL

RULES = ("spo2-low", "hr-high")
TICK_S = 0.5
REPLAYED_S = 60
"""How far back a restart reads again: what was committed is at most seconds old."""

STEPS = {"urgent": ((60, 20), (90, 30))}
"""Seconds of each step for an answer and until it is taken, as the routing of these tests has them."""

acts = st.one_of(
    st.tuples(st.just("pass"), st.floats(0.5, 100)),
    st.tuples(
        st.just("mark"), st.integers(0, 9), st.sampled_from(["sent", "taken", "delivered", "shown", "failed"])
    ),
    st.tuples(st.just("mark"), st.integers(0, 9), st.sampled_from(["accepted", "rejected", "expired"])),
    st.tuples(
        st.just("event"),
        st.sampled_from(RULES),
        st.sampled_from(
            ["start", "remind", "worse", "known", "over", "ask", "pass-over", "refuse", "accept", "pause"]
        ),
    ),
    st.tuples(st.just("again"), st.integers(0, 40)),
)


class Bed:
    """Makes a log that a judge could have written, and plays it; milestones come back as they do from the topic."""

    def __init__(self):
        self.world, self.at_s = World(), 1000.0
        self.number, self.asked, self.paused = {}, {}, {}
        self.lives = Counter()
        self.snapshots, self.echoes = [], []

    def play(self, act):
        kind, *said = act
        if kind == "pass":
            end_s = self.at_s + said[0]
            while self.at_s < end_s:
                self.at_s += TICK_S
                self.flush()
                self.put(("tick", self.at_s, None, False))
        elif kind == "mark":
            queued = [m for m in self.world.milestones if m.milestone == "queued"]
            if queued:
                delivery = queued[said[0] % len(queued)].model_copy(update={"milestone": said[1]})
                self.put(("mark", self.at_s, delivery, False))
        elif kind == "again":
            alerts = [record for record in self.world.log if record[0] == "alert"]
            if alerts:
                self.put(("alert", self.at_s, alerts[-1 - said[0] % len(alerts)][2], False))
        else:
            self.event(*said)

    def event(self, rule, what):
        if what == "start" or rule not in self.number:
            if rule in self.number:
                return
            self.lives[rule] += 1
            self.number[rule], self.asked[rule] = -1, 0
            what = "start"
        self.number[rule] += 1
        step, more = self.asked[rule], {}
        if what == "worse":
            more, self.asked[rule] = (
                {"phase": "escalate", "priority": "high", "asked": (1, "nurse", "requested")},
                1,
            )
        elif what == "known":
            more = {"acknowledged_by": "n-1", "inactivation": "alert-acknowledged"}
        elif what == "over":
            more = {"phase": "end", "state": "inactive"}
        elif what == "pause":
            more = {"inactivation": "audio-paused"}
        elif what in ("ask", "pass-over", "refuse") and step < 2:
            self.asked[rule] = step + 1
            previous = {"ask": None, "pass-over": "undefined", "refuse": "rejected"}[what] if step else None
            more = {
                "priority": "high",
                "asked": (step + 1, ("nurse", "charge-nurse")[step], "requested", previous),
            }
        elif what in ("pass-over", "refuse") and step:
            more = {"priority": "high", "asked": (step, "charge-nurse", "undefined")}
        elif what == "accept" and step:
            more = {"priority": "high", "actor": "n-1", "asked": (step, "nurse", "accepted")}
        alert = event(self.number[rule], rule=rule, episode=f"{rule}.{self.lives[rule]}", **more)
        self.put(("alert", self.at_s, alert, False))
        if what == "over":
            del self.number[rule]

    def put(self, record):
        self.snapshots.append(copy.deepcopy(self.world.episodes))
        self.echoes += self.world.put(record).milestones

    def flush(self):
        """Let what was written come back: others' records may stand before it."""
        while self.echoes:
            self.put(("mark", self.at_s, self.echoes.pop(0), False))

    def end(self):
        for rule in list(self.number):
            self.event(rule, "over")
        self.play(("pass", 5))


def play(plan):
    bed = Bed()
    for act in plan:
        bed.play(act)
    bed.end()
    return bed


def said(world):
    return [m.model_dump() for m in world.milestones], [a.model_dump() for a in world.alerts]


@settings(max_examples=60, deadline=None)
@given(st.lists(acts, max_size=25))
def test_every_delivery_gets_exactly_one_final_state(plan):
    world = play(plan).world
    queued = {m.id for m in world.milestones if m.milestone == "queued"}
    ours = Counter(m.id for m in world.milestones if m.milestone in FINAL)
    by_channel = {}
    for kind, _, delivery, _ in world.log:
        if kind == "mark" and delivery.milestone in FINAL:
            by_channel.setdefault(delivery.id, delivery.milestone)
    assert all(count == 1 for count in ours.values())
    assert queued == set(by_channel)  # an echo of ours, or a channel's own


@settings(max_examples=60, deadline=None)
@given(st.lists(acts, max_size=25))
def test_copies_of_what_was_told_change_nothing(plan):
    without = play([act for act in plan if act[0] != "again"])
    assert said(play(plan).world) == said(without.world)


@settings(max_examples=60, deadline=None)
@given(st.lists(acts, max_size=25), st.data())
def test_a_restart_anywhere_and_a_replay_write_the_same(plan, data):
    bed = play(plan)
    again = World()
    for offset, record in enumerate(bed.world.log, start=1):
        again.take(record, offset)
    assert said(again) == said(bed.world)
    if not bed.world.log:
        return
    died = data.draw(st.integers(0, len(bed.world.log) - 1))
    oldest_s = bed.world.log[died][1] - REPLAYED_S
    first = next(i for i, record in enumerate(bed.world.log) if record[1] >= oldest_s)
    committed = data.draw(st.integers(first, died))
    other = World()
    for offset, record in enumerate(bed.world.log[:died], start=1):
        other.take(record, offset)
    other.episodes = copy.deepcopy(bed.snapshots[died])
    other.restart()
    for offset, record in enumerate(bed.world.log[committed:], start=committed + 1):
        other.take(record, offset)
    for ours, theirs in zip(said(other), said(bed.world), strict=True):
        assert {repr(one) for one in ours} == {repr(one) for one in theirs}


def plainly(log):
    """Return (s, recipient) of what is queued for alarms that nobody asks responsibility for, by loops and ifs."""
    queued, alarms = [], {}
    for kind, at_s, what, _ in log:
        if kind == "tick":
            for alarm in alarms.values():
                step, fired_s = alarm["step"], alarm["fired_s"]
                if alarm["is_done"] or step >= 2:
                    continue
                wait_s, taken_s = STEPS["urgent"][step - 1 + 0] if step else (0, 0)
                waited_s = at_s - fired_s
                is_untaken = not alarm["taken"] and waited_s >= taken_s
                all_ended = alarm["open"] == 0
                if is_untaken or waited_s >= wait_s or all_ended:
                    queued.append((at_s, "desk"))
                    alarm.update(step=2, fired_s=at_s)
        elif kind == "alert":
            name, number = what.episode, int(what.id.rpartition("-")[2])
            alarm = alarms.get(name)
            if alarm is None:
                if what.phase == "end" or what.acknowledged_by:
                    continue
                queued += [(at_s, "n-1"), (at_s, "n-1")]
                alarms[name] = {
                    "step": 1,
                    "fired_s": at_s,
                    "taken": False,
                    "open": 2,
                    "is_done": False,
                    "n": number,
                }
                alarms[name]["ended"] = set()
            elif number > alarm["n"]:
                alarm["n"] = number
                if what.phase == "end" or what.acknowledged_by:
                    alarm["is_done"] = True
        elif (alarm := alarms.get(what.episode)) is not None and what.recipient == "n-1":
            if what.id in alarm["ended"]:
                continue
            if what.milestone in FINAL:
                alarm["ended"].add(what.id)
                alarm["open"] -= 1
                alarm["is_done"] |= what.milestone == "accepted"
            elif RANK.get(what.milestone, 0) >= TAKEN:
                alarm["taken"] = True
        elif alarm is not None and what.milestone == "accepted":
            alarm["is_done"] = True
    return queued


plain_acts = acts.filter(lambda act: act[0] != "event" or act[2] in ("start", "remind", "known", "over"))


@settings(max_examples=80, deadline=None)
@given(st.lists(plain_acts, max_size=25))
def test_steps_come_when_a_plain_reference_says(plan):
    world = play(plan).world
    assert sorted((at_s, who) for at_s, who, _ in world.queued()) == sorted(plainly(world.log))
