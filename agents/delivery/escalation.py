"""Decides an alarm's way to people: an alert, a milestone or a tick in, milestones and technical alerts out.

Pure: `now_ms` is the time of the record in the log, so a replay decides the same. The rules' own asking of who is
responsible (`agents.judging.responsibility`) leads: while it goes on for a role that can be told, a route's later
steps wait for it, unless nobody could be reached at all.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from agents.delivery import endings
from agents.delivery.episode import RANK, TAKEN, Episode, Plan, Sent
from agents.delivery.troubles import failed, is_own, unassigned
from streams.config.routing import BOARD, FAILED_S, Receiver, Route, RouteStep, Routing
from streams.contracts.alert import WARD, Alert
from streams.contracts.deliveries import FINAL, Delivery

ASKED_MS_MAX: Final = 3_600_000
"""A delivery that asks for responsibility ends by what the rules say; at the latest after this [M]."""

LATE_MS: Final = 10_000
"""An alert that comes into the log so long after it was told is of a backlog [M]; both times are brokers'."""

CAUGHT_UP_MS: Final = 2_000
"""After so long without an alert that came late the log counts as caught up with [M]."""

WAITS_MS_MAX: Final = 30_000
"""Whoever waits for that is told after so long all the same [M]."""

CLOSED_MS: Final = 600_000
"""So long an alarm that is over is remembered, for what still comes of it [M]."""

FORGOTTEN_MS: Final = 7 * 86_400_000
"""So long one is remembered of which nothing is heard [M]: its end was written while the log was not kept."""

SENT_MAX: Final = 256
"""Deliveries of one alarm that are remembered [M]; of more, those go first that have ended."""


@dataclass(slots=True)
class Decided:
    """What one record led to."""

    milestones: list[Delivery] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    changed: dict[str, None] = field(default_factory=dict)
    """Names of the episodes that are no longer as they were, in order."""


class Escalation:
    """The deciding half of delivery, of one partition's episodes by name.

    Args:
        routing: who is told of what.
        on: returns who is on for (patient, ward, role, now in ms).
    """

    def __init__(self, routing: Routing, on: Callable[[str, str, str, int], tuple[str, ...]]) -> None:
        self._routing = routing
        self._on = on
        self._late_ms = -CAUGHT_UP_MS
        """When an alert was taken last that came late."""

    def take_alert(
        self,
        episodes: dict[str, Episode],
        alert: Alert,
        ward: str,
        now_ms: int,
        offset: int,
        is_late: bool = False,
    ) -> Decided:
        """Take an event of an alarm; a copy of one that was taken changes nothing.

        One that comes late (`is_late`), after an outage of delivery, may be over already, as a later record then says:
        people are told only at a tick that finds the log caught up with.
        """
        decided, number = Decided(), _number_of(alert)
        known = episodes.get(alert.episode)
        if is_late:
            self._late_ms = now_ms
        is_copy = known is not None and number <= known.number and not _is_over(alert)
        if known is not None and (known.closed_ms or is_copy or offset <= known.position):
            return decided
        if known is None and (_is_over(alert) or _is_known(alert)):
            return decided
        if known is None:
            ward = alert.patient.removeprefix(WARD) if alert.patient.startswith(WARD) else ward
            episode = Episode(
                *(alert.episode, alert.patient, ward, alert.rule, alert.type, alert.priority),
                *(alert.id, number, now_ms),
            )
            self._follow(episode, alert, decided, now_ms, True, is_late)
            if not episode.sent and not episode.waits_ms:
                return decided
            episodes[alert.episode] = episode
        else:
            episode = known
            is_news = alert.phase == "escalate" or (episode.waits_ms > 0 and not is_late)
            episode.number, episode.alert, episode.heard_ms = number, alert.id, now_ms
            episode.priority = alert.priority
            self._follow(episode, alert, decided, now_ms, is_news, is_late)
        self._note(episode, decided, offset)
        return decided

    def take_milestone(
        self, episodes: dict[str, Episode], delivery: Delivery, now_ms: int, offset: int
    ) -> Decided:
        """Take what has become of a delivery; what is known already, or of an alarm that is not, changes nothing."""
        decided, episode = Decided(), episodes.get(delivery.episode)
        if episode is None or offset <= episode.position:
            return decided
        sent = next((one for one in episode.sent if one.id == delivery.id), None)
        if sent is None:
            # Queued before a restart that fell between the record and what is remembered: somebody else was on then.
            if delivery.milestone != "queued":
                return decided
            episode.sent.append(_adopted(delivery, now_ms))
            if episode.answered or episode.closed_ms:
                decided.milestones += endings.over(episode, "answered or over by then", now_ms)
            self._note(episode, decided, offset)
        elif not sent.is_open:
            return decided
        elif delivery.milestone in FINAL:
            sent.ended = delivery.milestone
            if delivery.milestone == "accepted":
                said = f"accepted over {sent.channel} by {sent.recipient}"
                self._answer(episode, sent.recipient, said, decided, now_ms)
            self._note(episode, decided, offset)
        elif RANK.get(delivery.milestone, 0) > sent.reached:
            sent.reached = RANK[delivery.milestone]
            if episode.failed_ms and sent.step >= episode.first and sent.reached >= TAKEN:
                self._end_failed(episode, decided, now_ms, f"{sent.channel} has taken it")
            self._note(episode, decided, offset)
        return decided

    def tick(self, episodes: dict[str, Episode], now_ms: int, offset: int) -> Decided:
        """Let time pass: next steps, ends, and what nobody was reached of. Forgets alarms that are over."""
        decided = Decided()
        for episode in list(episodes.values()):
            if offset <= episode.position:
                continue
            if (episode.closed_ms and now_ms - episode.closed_ms >= CLOSED_MS) or (
                now_ms - episode.heard_ms >= FORGOTTEN_MS
            ):
                decided.milestones += endings.over(episode, "nothing was heard of the alarm for days", now_ms)
                del episodes[episode.episode]
                decided.changed[episode.episode] = None
                continue
            said = len(decided.milestones) + len(decided.alerts)
            if episode.waits_ms and (
                now_ms - self._late_ms >= CAUGHT_UP_MS or now_ms - episode.waits_ms >= WAITS_MS_MAX
            ):
                self._begin(episode, decided, now_ms)
            decided.milestones += endings.out_of_time(episode, now_ms)
            if not episode.paused:
                for plan in episode.plans:
                    self._advance(episode, plan, decided, now_ms)
            self._look_for_failure(episode, decided, now_ms)
            if len(decided.milestones) + len(decided.alerts) > said:
                self._note(episode, decided, offset)
        return decided

    def _follow(
        self, episode: Episode, alert: Alert, decided: Decided, now_ms: int, is_news: bool, is_late: bool
    ) -> None:
        """Do what an event of an alarm asks for; `is_news` where people are to be told of it (again)."""
        episode.paused = alert.inactivation.startswith(("audio-", "alarm-"))
        if _is_over(alert):
            if not episode.closed_ms:
                decided.milestones += endings.over(episode, "the alarm is over", now_ms)
                self._end_troubles(episode, decided, now_ms, "the alarm is over")
                episode.closed_ms, episode.plans, episode.asked, episode.waits_ms = now_ms, [], 0, 0
            return
        if _is_known(alert):
            who = alert.acknowledged_by or alert.actor
            self._answer(episode, who, f"acknowledged by {who or 'somebody'}", decided, now_ms)
            return
        if is_news and is_late:
            episode.waits_ms = episode.waits_ms or now_ms
        elif is_news:
            self._begin(episode, decided, now_ms)
        self._follow_responsibility(episode, alert, decided, now_ms)

    def _begin(self, episode: Episode, decided: Decided, now_ms: int) -> None:
        """Tell the first step of each route that the alarm takes; again, if it has grown worse."""
        decided.milestones += endings.over(episode, "told again, because it is worse", now_ms)
        episode.answered, episode.asked, episode.waits_ms = False, 0, 0
        episode.told_ms, episode.first = now_ms, episode.steps + 1
        said = episode.ward, episode.priority, episode.rule, episode.type
        episode.plans = [Plan(route.name, -1, 0, now_ms) for route in self._routing.matching(*said, now_ms)]
        for plan in episode.plans:
            self._fire(episode, plan, decided, now_ms, "")
        if episode.asking:
            self._ask(episode, episode.asking, episode.asking_role, decided, now_ms)

    def _follow_responsibility(self, episode: Episode, alert: Alert, decided: Decided, now_ms: int) -> None:
        """Tell whom the rules ask; they say who is next, who has accepted, and when nobody is left."""
        said = alert.responsibility
        if said is None:
            episode.asked = 0
            return
        if said.status == "accepted":
            who = alert.actor
            self._answer(episode, who, f"accepted by {who or 'somebody'}", decided, now_ms)
        elif said.status == "requested":
            if said.step == episode.asked:
                return
            ended = said.previous or "undefined"
            why = "no answer in time" if ended == "undefined" else f"rejected by {alert.actor or 'somebody'}"
            decided.milestones += endings.passed_over(
                episode, "rejected" if ended == "rejected" else "undefined", why, now_ms
            )
            if episode.waits_ms:
                episode.asking, episode.asking_role = said.step, said.to
            else:
                self._ask(episode, said.step, said.to, decided, now_ms)
        elif episode.asked:
            why = "no answer in time" if said.status == "undefined" else f"rejected by {alert.actor}"
            decided.milestones += endings.passed_over(episode, said.status, why, now_ms)
            episode.asked = 0

    def _ask(self, episode: Episode, step: int, role: str, decided: Decided, now_ms: int) -> None:
        """Tell who is asked to answer for an alarm; a role that no receiver is of leaves it to the routes."""
        receivers = list(self._routing.of_role(role))
        episode.asked, episode.answered = (step if receivers else 0), False
        episode.asking, episode.asking_role = 0, ""
        if receivers:
            self._tell(episode, receivers, None, step, decided, now_ms, f"{role} is asked")

    def _answer(self, episode: Episode, actor: str | None, what: str, decided: Decided, now_ms: int) -> None:
        """Take that somebody has the alarm: nobody else is told."""
        decided.milestones += endings.by_actor(episode, actor, what, now_ms)
        self._end_troubles(episode, decided, now_ms, what)
        episode.answered, episode.plans, episode.asked, episode.waits_ms = True, [], 0, 0

    def _advance(self, episode: Episode, plan: Plan, decided: Decided, now_ms: int) -> None:
        """Tell the next step of a route if this one was not reached, has said no, or has had its time."""
        route = self._routing.route(plan.route)
        if plan.is_over or route is None or plan.step >= len(route.steps):
            plan.is_over = True  # the file has changed since
            return
        step, told = route.steps[plan.step], [one for one in episode.sent if one.id in plan.told]
        waited_ms = now_ms - plan.fired_ms
        if waited_ms >= step.taken_s * 1000 and _is_unreached(told):
            why = f"no channel took step {plan.firing} within {step.taken_s:g} s"
        elif episode.asked:
            return
        elif waited_ms >= step.wait_s * 1000:
            why = f"no answer of step {plan.firing} within {step.wait_s:g} s"
        elif not any(one.is_open for one in told):
            why = f"step {plan.firing} has said no or was not reached"
        else:
            return
        self._fire(episode, plan, decided, now_ms, why)

    def _fire(self, episode: Episode, plan: Plan, decided: Decided, now_ms: int, why: str) -> None:
        """Tell the next step of a route, if it has one."""
        route = self._routing.route(plan.route)
        if route is None or plan.step + 1 >= len(route.steps):
            plan.is_over = True
            return
        plan.step += 1
        step = route.steps[plan.step]
        receivers = [self._routing.receivers[name] for name in step.to]
        told = self._tell(episode, receivers, (route, step), 0, decided, now_ms, why)
        plan.firing, plan.fired_ms, plan.told = episode.steps, now_ms, [one.id for one in told]

    def _tell(
        self,
        episode: Episode,
        receivers: Iterable[Receiver],
        by: tuple[Route, RouteStep] | None,
        asked: int,
        decided: Decided,
        now_ms: int,
        why: str,
    ) -> list[Sent]:
        """Queue a step for its receivers; who is told of the same by another route just now is not told twice."""
        found: list[Sent] = []
        episode.steps += 1
        until_ms = now_ms + (ASKED_MS_MAX if by is None else round(by[1].wait_s * 1000))
        just_told = {(one.recipient, one.channel): one for one in episode.open() if one.queued_ms == now_ms}
        for recipient, receiver, is_person in self._recipients(episode, receivers, by, decided, now_ms):
            for channel in receiver.channels:
                if before := just_told.get((recipient, channel)):
                    before.asked = before.asked or asked
                    before.until_ms = max(before.until_ms, until_ms)
                    found.append(before)
                    continue
                sent = episode.new(recipient, channel, now_ms, until_ms)
                sent.is_person, sent.asked = is_person, asked
                sent.is_pushed = self._routing.channels[channel].kind != BOARD
                just_told[recipient, channel] = sent
                episode.sent.append(sent)
                found.append(sent)
                decided.milestones.append(episode.milestone(sent, "queued", now_ms, why))
        return found

    def _recipients(
        self,
        episode: Episode,
        receivers: Iterable[Receiver],
        by: tuple[Route, RouteStep] | None,
        decided: Decided,
        now_ms: int,
    ) -> Iterator[tuple[str, Receiver, bool]]:
        """Yield who is told, as which receiver, and whether that is a person."""
        for receiver in receivers:
            if not receiver.role:
                yield receiver.name, receiver, False
                continue
            people = self._on(episode.patient, episode.ward, receiver.role, now_ms)
            for person in people:
                yield person, receiver, True
            if people:
                continue
            if not (episode.unassigned_ms or is_own(episode.rule)):
                episode.unassigned_ms = now_ms
                decided.alerts.append(unassigned(episode, receiver.role, now_ms))
            if fallback := self._fallback(episode, by):
                yield fallback.name, fallback, False

    def _fallback(self, episode: Episode, by: tuple[Route, RouteStep] | None) -> Receiver | None:
        """Return who is told in place of a role that nobody is assigned to."""
        routes = [self._routing.route(plan.route) for plan in episode.plans] if by is None else [by[0]]
        names = [route.fallback for route in routes if route is not None and route.fallback]
        return self._routing.receivers[names[0]] if names else None

    def _look_for_failure(self, episode: Episode, decided: Decided, now_ms: int) -> None:
        """Tell by a technical alert that nobody was reached: of all who were told, or of a step that still waits."""
        if episode.answered or episode.closed_ms or episode.failed_ms or is_own(episode.rule):
            return
        late_ms = now_ms - round(FAILED_S * 1000)
        told = [one for one in episode.sent if one.step >= episode.first]
        reached = {one.step for one in told if one.reached >= TAKEN}
        waiting = [
            one for one in told if one.is_open and one.queued_ms <= late_ms and one.step not in reached
        ]
        if not reached and episode.told_ms <= late_ms:
            waiting = told
        if channels := {one.channel for one in waiting if one.is_pushed}:
            episode.failed_ms = now_ms
            decided.alerts.append(failed(episode, channels, now_ms))

    def _end_failed(self, episode: Episode, decided: Decided, now_ms: int, why: str) -> None:
        if episode.failed_ms:
            decided.alerts.append(failed(episode, (), now_ms, why))
            episode.failed_ms = 0

    def _end_troubles(self, episode: Episode, decided: Decided, now_ms: int, why: str) -> None:
        self._end_failed(episode, decided, now_ms, why)
        if episode.unassigned_ms:
            decided.alerts.append(unassigned(episode, "", now_ms, why))
            episode.unassigned_ms = 0

    @staticmethod
    def _note(episode: Episode, decided: Decided, offset: int) -> None:
        episode.position = offset
        decided.changed[episode.episode] = None
        while len(episode.sent) > SENT_MAX and (ended := next((s for s in episode.sent if s.ended), None)):
            episode.sent.remove(ended)


def _is_unreached(told: Sequence[Sent]) -> bool:
    """Tell whether a step was to be brought to somebody and was not; a board that nobody looks at is no fault of it."""
    return any(one.is_pushed for one in told) and not any(one.reached >= TAKEN for one in told)


def _adopted(delivery: Delivery, now_ms: int) -> Sent:
    return Sent(
        *(delivery.id, delivery.alert, delivery.step, delivery.recipient, delivery.channel),
        queued_ms=delivery.at_ts_ms,
        until_ms=now_ms + ASKED_MS_MAX,
        is_person=True,
    )


def _number_of(alert: Alert) -> int:
    """Return the event's number in its episode."""
    number = alert.id.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _is_over(alert: Alert) -> bool:
    return alert.state == "inactive" or alert.phase in ("end", "reset")


def _is_known(alert: Alert) -> bool:
    return alert.acknowledged_by is not None or alert.inactivation.endswith("alert-acknowledged")
