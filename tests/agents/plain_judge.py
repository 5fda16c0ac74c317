"""The rules of limit alarms once more, in plain Python: one patient, one signal, one sample at a time.

Written from the description of the rules (docs/alarms.md, docs/rules.md), not from the engine: it is what the engine
is compared with. Knows limit alarms with their pauses, acknowledgements and responsibility, not what ticks alone
decide (silence, signal loss, scores).
"""

import json
from dataclasses import dataclass, field

from clinical.rules import AGE_BANDS, PRIORITIES
from clinical.vitals import SIGNALS
from streams.alerts import episode_id

MEDIUM, HIGH = 1, 2
CONTINUE_MS = 60_000
COMMANDS_KEPT = 32


@dataclass
class Run:
    """One rule of one patient: the run of violating samples, if there is one. Times in ms."""

    onset: int | None = None
    stands: str = "quiet"
    inside_since: int | None = None
    worst: float | None = None
    told_ms: int | None = None
    step: int = 0
    status: str = "requested"
    asked_ms: int | None = None
    area: float = 0.0


@dataclass
class Bed:
    """One patient."""

    name: str
    runs: dict = field(default_factory=dict)
    newest: dict = field(default_factory=dict)
    last: dict = field(default_factory=dict)
    limits: dict = field(default_factory=dict)
    band: str = "adult"
    ward: str = ""
    admitted: bool = False
    discharged: bool = False
    pause: str = ""
    pause_rank: int = -1
    pause_until: int | None = None
    commands: list = field(default_factory=list)


class Refused(Exception):
    pass


class PlainJudge:
    """Takes records in the order of the log and lists what limit alarms tell; see `tell` and `answers`."""

    def __init__(self, rules, recorded, ahead_ms=5_000, horizon_ms=60_000, pace_ms=500):
        self.rules = sorted(rules.limits, key=lambda rule: -PRIORITIES.index(rule.priority))
        self.steps = rules.responsibility
        self.recorded = recorded
        self.ahead_ms, self.horizon_ms, self.pace_ms = ahead_ms, horizon_ms, pace_ms
        self.seen = set()
        self.last = {}
        self.beds = {}
        self.ticked = -1
        self.told = []
        self.answers = []

    # --- records

    def take(self, record):
        self.offset = record.offset
        value = json.loads(record.value)
        if record.key == b"~tick":
            self.tick(value["tick_ts_ms"] if self.recorded else record.timestamp)
        elif record.key == b"~command":
            self.command(value, value["issued_ts_ms"] if self.recorded else record.timestamp)
        else:
            self.frame(value, record.timestamp)

    def frame(self, frame, append_ms):
        bed = self.beds.setdefault(frame["patient"], Bed(frame["patient"]))
        device = (frame["patient"], frame["device"], frame["boot"])
        if (*device, frame["seq"]) in self.seen:
            return
        self.seen.add((*device, frame["seq"]))
        time_ms = self.time_of(frame["event_ts_ms"], append_ms, self.last.get(device))
        self.last[device] = (frame["event_ts_ms"], append_ms)
        if time_ms is None:
            return
        arrival_ms = frame["event_ts_ms"] if self.recorded else append_ms
        for signal in SIGNALS:
            if signal.name in frame:
                self.sample(bed, signal, frame[signal.name], time_ms, arrival_ms, frame["interval_ms"])

    def time_of(self, event_ms, append_ms, before):
        """Return the time that counts, None for a frame that is no live reading."""
        if self.recorded or -self.ahead_ms <= append_ms - event_ms <= self.horizon_ms:
            return event_ms
        if event_ms > append_ms:
            return append_ms
        if before is None:
            return None
        measured, delivered = event_ms - before[0], append_ms - before[1]
        at_pace = abs(delivered - measured) <= self.pace_ms + measured // 2
        return append_ms if measured > 0 and delivered > 0 and at_pace else None

    def sample(self, bed, signal, value, time_ms, arrival_ms, interval_ms):
        if time_ms < bed.newest.get(signal.name, 0):
            return
        before = bed.last.get(signal.name), bed.newest.get(signal.name)
        bed.newest[signal.name] = time_ms
        if isinstance(value, str) or (value is not None and not signal.low <= float(value) <= signal.high):
            value = None
        if value is not None:
            bed.last[signal.name] = value
        for rule in self.rules:  # the most severe first
            if rule.signal == signal.name:
                run = bed.runs.setdefault(rule.id, Run())
                if run.onset is not None:
                    self.deepen(bed, rule, run, *before, time_ms)
                self.judge(bed, rule, run, value, time_ms, arrival_ms, interval_ms)

    # --- what holds for a patient

    def limits(self, bed, rule):
        own, of_band = bed.limits.get(rule.id, (None, None)), rule.limits(bed.band)
        low = own[0] if own[0] is not None else of_band.low
        high = own[1] if own[1] is not None else of_band.high
        return float("-inf") if low is None else low, float("inf") if high is None else high

    def breaks(self, bed, rule, value):
        low, high = self.limits(bed, rule)
        return value is not None and (value < low or value > high)

    def covered(self, bed, rule):
        return PRIORITIES.index(rule.priority) <= bed.pause_rank if bed.pause else False

    def stood_for(self, bed, rule):
        """Whether a more severe alarm of the same side of the signal is announced."""
        for other in self.rules:
            sides = [(rule.low, other.low), (rule.high, other.high)]
            if (
                other.signal == rule.signal
                and PRIORITIES.index(other.priority) > PRIORITIES.index(rule.priority)
                and any(mine is not None and theirs is not None for mine, theirs in sides)
                and bed.runs.get(other.id, Run()).stands in ("active", "acknowledged")
            ):
                return True
        return False

    def may_start(self, bed, rule):
        withheld = bed.pause.startswith("alarm") and self.covered(bed, rule)
        return not withheld and not self.stood_for(bed, rule)

    # --- one alarm

    def deepen(self, bed, rule, run, value, at_ms, now_ms):
        """Let the previous sample's depth count up to now."""
        low, high = self.limits(bed, rule)
        run.area += max(low - value, value - high, 0) * (now_ms - at_ms)

    def has_lasted(self, rule, run, now_ms, interval_ms):
        no_sample_within_the_delay = rule.delay_s * 1000 < interval_ms < 86_400_000
        late = now_ms - run.onset >= rule.delay_s * 1000 or no_sample_within_the_delay
        if rule.integral is None:
            return late
        return run.area >= rule.integral * 1000 or (late and rule.delay_s > 0)

    def judge(self, bed, rule, run, value, time_ms, arrival_ms, interval_ms):
        low, high = self.limits(bed, rule)
        if value is None:
            if run.stands == "quiet":
                run.__init__()
        elif self.breaks(bed, rule, value):
            run.inside_since = None
            if run.onset is None:
                run.onset, run.worst = time_ms, value
            run.worst = min(run.worst, value) if value < low else max(run.worst, value)
            if self.has_lasted(rule, run, time_ms, interval_ms):
                self.due(bed, rule, run, arrival_ms)
        elif value < low + rule.clear_margin or value > high - rule.clear_margin:
            run.inside_since = None
        else:
            if run.inside_since is None:
                run.inside_since = time_ms
            if time_ms - run.inside_since >= rule.clear_delay_s * 1000:
                self.over(bed, rule, run, arrival_ms)

    def due(self, bed, rule, run, now_ms):
        if run.stands in ("quiet", "withheld"):
            if self.may_start(bed, rule):
                run.stands = "active"
                self.tell(bed, rule, run, "start", now_ms)
            else:
                run.stands = "withheld"
        elif run.stands == "latched" and self.may_start(bed, rule):
            run.stands = "active"
            self.tell(bed, rule, run, "update", now_ms)

    def over(self, bed, rule, run, now_ms):
        if run.stands == "active" and rule.latch:
            run.stands = "latched"
            self.tell(bed, rule, run, "update", now_ms)
        elif run.stands in ("active", "acknowledged"):
            self.close(bed, rule, run, "end", now_ms)
        elif run.stands != "latched":
            run.__init__()

    def close(self, bed, rule, run, phase, now_ms):
        run.stands = "quiet"
        self.tell(bed, rule, run, phase, now_ms)
        run.__init__()

    def tell(self, bed, rule, run, phase, now_ms):
        """Note offset, patient, rule, phase, onset, worst value, pause that covers it, step asked and its status."""
        run.told_ms = now_ms
        if not (rule.priority == "high" and run.stands == "active" and self.steps):
            run.step, run.status = 0, "requested"
        elif run.step == 0:
            run.step, run.asked_ms = 1, now_ms
        pause = bed.pause if self.covered(bed, rule) else ""
        asked = (run.step, run.status) if run.step else None
        self.told.append((self.offset, bed.name, rule.id, phase, run.onset, run.worst, pause, asked))

    # --- time

    def tick(self, now_ms):
        if now_ms <= self.ticked:
            return
        self.ticked = now_ms
        for bed in self.beds.values():
            if bed.pause_until is not None and bed.pause_until <= now_ms:
                self.set_pause(bed, "", -1, None, now_ms)
            for rule in self.rules:
                run = bed.runs.get(rule.id, Run())
                if run.stands in ("withheld", "latched") and self.breaks(
                    bed, rule, bed.last.get(rule.signal)
                ):
                    self.due(bed, rule, run, now_ms)
            for rule in self.rules:
                run = bed.runs.get(rule.id, Run())
                waits = run.step and run.status == "requested" and not self.covered(bed, rule)
                if waits and now_ms - run.asked_ms >= self.steps[run.step - 1].after_s * 1000:
                    self.next_step(bed, rule, run, "undefined", now_ms)
            for rule in self.rules:
                run = bed.runs.get(rule.id, Run())
                waits = run.stands in ("active", "latched") and not self.stood_for(bed, rule)
                if waits and now_ms - run.told_ms >= CONTINUE_MS:
                    self.tell(bed, rule, run, "continue", now_ms)

    def next_step(self, bed, rule, run, status, now_ms):
        if run.step < len(self.steps):
            run.step, run.status, run.asked_ms = run.step + 1, "requested", now_ms
        else:
            run.status = status
        self.tell(bed, rule, run, "update", now_ms)

    def set_pause(self, bed, pause, rank, until, now_ms):
        opened = [r for r in self.rules if bed.runs.get(r.id, Run()).stands in OPEN]
        before = {rule.id: bed.pause if self.covered(bed, rule) else "" for rule in opened}
        bed.pause, bed.pause_rank, bed.pause_until = pause, rank, until
        for rule in opened:
            if (bed.pause if self.covered(bed, rule) else "") != before[rule.id]:
                self.tell(bed, rule, bed.runs[rule.id], "update", now_ms)

    # --- commands

    def command(self, order, now_ms):
        bed = self.beds.get(order["patient"])
        if bed is not None and order["id"] in bed.commands[-COMMANDS_KEPT:]:
            return
        try:
            if bed is None and order["kind"] != "admit":
                raise Refused
            if bed is not None and bed.discharged and order["kind"] in OF_A_STAY:
                raise Refused
            if bed is None:
                bed = self.beds[order["patient"]] = Bed(order["patient"])
            getattr(self, "do_" + order["kind"].replace("-", "_"))(bed, order, now_ms)
        except Refused:
            outcome = "refused"
        else:
            outcome = "accepted"
        if bed is not None:
            bed.commands.append(order["id"])
        self.answers.append((self.offset, order["id"], outcome))

    def open_alarm(self, bed, order):
        for rule in self.rules:
            run = bed.runs.get(rule.id, Run())
            if run.stands in OPEN and episode_id(bed.name, rule.id, run.onset) == order["episode"]:
                return rule, run
        raise Refused

    def do_acknowledge(self, bed, order, now_ms):
        rule, run = self.open_alarm(bed, order)
        if run.stands == "latched":
            self.close(bed, rule, run, "reset", now_ms)
        elif run.stands == "active":
            run.stands = "acknowledged"
            self.tell(bed, rule, run, "update", now_ms)
        else:
            raise Refused

    def do_accept(self, bed, order, now_ms):
        rule, run = self.open_alarm(bed, order)
        if run.step == 0 or run.status == "accepted":
            raise Refused
        run.status = "accepted"
        self.tell(bed, rule, run, "update", now_ms)

    def do_reject(self, bed, order, now_ms):
        rule, run = self.open_alarm(bed, order)
        if run.step == 0:
            raise Refused
        self.next_step(bed, rule, run, "rejected", now_ms)

    def do_pause(self, bed, order, now_ms):
        ranks = [PRIORITIES.index(r.priority) for r in self.rules if bed.runs.get(r.id, Run()).stands in OPEN]
        mode = order.get("mode", "audio-paused")
        until = None if mode.endswith("off") else now_ms + order.get("seconds", 120) * 1000
        self.set_pause(bed, mode, max([MEDIUM, *ranks]), until, now_ms)

    def do_resume(self, bed, order, now_ms):
        if not bed.pause:
            raise Refused
        self.set_pause(bed, "", -1, None, now_ms)

    def do_set_limits(self, bed, order, now_ms):
        rule = next((rule for rule in self.rules if rule.id == order["rule"]), None)
        low, high = order.get("low"), order.get("high")
        if rule is None or (low is not None and rule.low is None) or (high is not None and rule.high is None):
            raise Refused
        before = bed.limits.get(rule.id, (None, None))
        if low is None and high is None:
            own = (None, None)
        else:
            own = (before[0] if low is None else low, before[1] if high is None else high)
        self.change_limits(bed, {**bed.limits, rule.id: own}, bed.band, {rule.signal})

    def do_set_profile(self, bed, order, now_ms):
        self.change_band(bed, order.get("age_band") or bed.band)
        bed.ward = order.get("ward") or bed.ward

    def change_band(self, bed, band):
        own = {rule.signal for rule in self.rules if bed.limits.get(rule.id, (None, None)) != (None, None)}
        self.change_limits(bed, bed.limits, band, own)

    def change_limits(self, bed, limits, band, signals):
        """Take limits and band if they fit together: range, distance, and the more severe one further out."""
        trial = Bed(bed.name, limits=limits, band=band)
        assert band in AGE_BANDS
        for signal in SIGNALS:
            held = [
                (PRIORITIES.index(rule.priority), *self.limits(trial, rule))
                for rule in self.rules
                if rule.signal == signal.name in signals
            ]
            gap = 5 if signal.name.startswith(("nbp", "abp")) else 2 * signal.resolution
            for rank, low, high in held:
                if any(abs(x) != float("inf") and not signal.low <= x <= signal.high for x in (low, high)):
                    raise Refused
                for other_rank, other_low, other_high in held:
                    if other_high - low < gap - 1e-9:
                        raise Refused
                    if rank > other_rank and other_low != float("-inf") and low > other_low:
                        raise Refused
                    if rank > other_rank and other_high != float("inf") and high < other_high:
                        raise Refused
        bed.limits, bed.band = limits, band

    def do_admit(self, bed, order, now_ms):
        if bed.admitted:
            raise Refused
        self.change_band(bed, order.get("age_band", "adult"))
        bed.admitted, bed.discharged, bed.ward = True, False, order.get("ward") or ""

    def do_transfer(self, bed, order, now_ms):
        if bed.ward == order["ward"]:
            raise Refused
        bed.ward = order["ward"]

    def do_discharge(self, bed, order, now_ms):
        for rule in self.rules:
            run = bed.runs.get(rule.id, Run())
            if run.stands in OPEN:
                self.close(bed, rule, run, "end", now_ms)
        newest = {name: time_ms + 1 for name, time_ms in bed.newest.items()}
        bed.__init__(bed.name, newest=newest, discharged=True, commands=bed.commands)


OF_A_STAY = ("set-limits", "set-profile", "transfer", "discharge")
OPEN = ("active", "acknowledged", "latched")
