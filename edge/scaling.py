"""Gives the readings more partitions while frames run: takes one step after another, and can go on from any of them.

What each phase means, and who does what in it, is `streams.contracts.layout`; how it fits together is docs/scaling.md.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from edge.splitter import Splitter
from streams.config.settings import Settings
from streams.contracts.layout import PARTITIONS_MAX, Generation, Layout, Phase, Step
from streams.contracts.topics import READINGS
from streams.errors import NotWhole, StepLost, TopicsMismatch, UsageError, VigilError
from streams.kafka.admin import apply_topics, changelog_topic, inspect_topics
from streams.kafka.connect import connect_admin
from streams.kafka.group_questions import GroupQuestions
from streams.kafka.hop_ends import are_forwarded, ends_of_topic, forwarding_group, hop_ends, waiting
from streams.kafka.layout_log import in_generation, own_layout, take
from streams.kafka.log_end import log_ends
from streams.kafka.rules_log import read_rules, trials
from streams.kafka.security import seals_of

DRAIN_S_MAX: Final = 25.0
"""For workers to hand over and end; then they are let on. Less than they wait by themselves."""

FORWARDED_S_MAX: Final = 60.0
WHOLE_S_MAX: Final = 60.0
"""For workers that did not leave a whole state to judge on and write one, before they are asked again."""

TRIES_MAX: Final = 3
QUIET_S: Final = 5.0
"""For so long nothing may come into a generation that is to be removed."""

POLL_S: Final = 0.1
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Status:
    """How far it is."""

    layout: Layout
    waiting: dict[str, int]
    """Records that are not forwarded yet, by the generation's topic."""


def begin(settings: Settings, factor: int, say: Say) -> Layout:
    """Give the readings `factor` times the partitions; return the layout in which all writers may move.

    Raises:
        UsageError: that cannot be: scaling is under way, a shadow is tried, patients are misplaced, or the bound.
        BrokerUnreachable: no broker answers.
        VigilError: a step did not come to its end; what to do is said.
    """
    layout = own_layout(settings)
    seals_of(settings)
    if not layout.allows(Step.PREPARE):
        raise UsageError(
            f"scale: it is {layout.phase} already: vigil scale --resume goes on, --abort gives up"
        )
    following = layout.after(Step.PREPARE, int(time.time() * 1000), factor)
    new = in_generation(settings, following.generations[-1])
    if new.reading_partitions > PARTITIONS_MAX:
        raise UsageError(f"factor: {new.reading_partitions} partitions are more than {PARTITIONS_MAX}")
    if tried := trials(read_rules(settings, settings.group, seals_of(settings))):
        names = ", ".join(one.rules.name for one in tried)
        raise UsageError(
            f"scale: rules are tried ({names}), whose state is not split: vigil shadow end, first"
        )
    _see_shape(in_generation(settings, layout.judged))
    with Splitter(settings) as splitter:
        say(f"state that can be split: {splitter.look()}")
        apply_topics(new)
        _see_shape(new)
        layout = take(settings, layout, Step.PREPARE, factor)
        say(f"prepared: {new.topic(READINGS)} with {new.reading_partitions} partitions")
        return _go_on(settings, splitter, say)


def go_on(settings: Settings, say: Say) -> Layout:
    """Take the steps that are left; raises as `begin` does."""
    with Splitter(settings) as splitter:
        return _go_on(settings, splitter, say)


def _go_on(settings: Settings, splitter: Splitter, say: Say) -> Layout:
    tries = 0
    while True:
        layout = own_layout(settings)
        if layout.phase == Phase.PREPARED:
            tries += 1
            if tries > TRIES_MAX:
                raise VigilError(
                    f"scale: no whole state was left {TRIES_MAX} times: vigil scale --resume, or --abort"
                )
            splitter.look()  # what is read now nobody waits for
            _take(settings, layout, Step.DRAIN, say)
        elif layout.phase == Phase.DRAINING:
            _move(settings, layout, splitter, say)
        elif layout.phase == Phase.FORWARDING:
            _await_forwarded(settings, layout)
            _take(settings, layout, Step.OPEN, say)
        else:
            return layout


def give_up(settings: Settings, say: Say) -> Layout:
    """Go on with the partitions that there were; only before the state has moved.

    Raises:
        UsageError: there is nothing to give up, or it has moved.
    """
    layout = own_layout(settings)
    if not layout.allows(Step.ABORT):
        raise UsageError(f"scale: it is {layout.phase}: there is nothing that could be given up")
    _take(settings, layout, Step.ABORT, say)
    layout = own_layout(settings)
    _remove_unused(settings, layout, say)
    return layout


def finish(settings: Settings, say: Say) -> Layout:
    """Remove the generations before, once nothing is written to them any more.

    Raises:
        UsageError: scaling is under way.
        VigilError: somebody still writes there, or not all is forwarded.
    """
    layout = own_layout(settings)
    if layout.phase != Phase.SETTLED:
        if not layout.allows(Step.FINISH):
            raise UsageError(f"scale: it is {layout.phase}: vigil scale --resume, first")
        before = hop_ends(settings, layout)
        say(f"seeing for {QUIET_S:g} s that nobody writes to what is removed")
        time.sleep(QUIET_S)
        if busy := sorted({tp.topic for tp, end in hop_ends(settings, layout).items() if end != before[tp]}):
            raise VigilError(
                f"readings still come into {', '.join(busy)}: have whoever writes there write to the new topic, first"
            )
        if any(status(settings).waiting.values()):
            raise VigilError("not all readings are forwarded yet: try again")
        _take(settings, layout, Step.FINISH, say)
        layout = own_layout(settings)
    _remove_unused(settings, layout, say)
    return layout


def status(settings: Settings) -> Status:
    """Return how far it is."""
    layout = own_layout(settings)
    return Status(layout, waiting(settings, layout))


def _take(settings: Settings, layout: Layout, step: Step, say: Say) -> None:
    after = take(settings, layout, step)
    say(f"{step}: the readings are {after.phase} now")


def _move(settings: Settings, layout: Layout, splitter: Splitter, say: Say) -> None:
    """Split the state once all workers have ended, and let them on otherwise."""
    splitter.ahead()
    try:
        _await_ended(settings, layout)
        said = splitter.split()
    except NotWhole as why:
        say(f"{why}: workers judge on, and are asked again")
        _take(settings, layout, Step.LET_ON, say)
        _await_whole(settings, layout)
        return
    except VigilError:
        # Nobody is watched while workers wait: whatever it is, it is looked into while they judge.
        _take(settings, layout, Step.LET_ON, say)
        raise
    say(f"split: {said}")
    try:
        _take(settings, layout, Step.MOVE, say)
    except StepLost:
        raise VigilError(
            "scale: workers waited too long and judge on as before: vigil scale --resume"
        ) from None


def _await_ended(settings: Settings, layout: Layout) -> None:
    """Wait until no worker is in the group that judges, nor in the one that forwards."""
    groups = [in_generation(settings, layout.judged).judging_group, forwarding_group(settings)]
    until_s = time.monotonic() + DRAIN_S_MAX
    with GroupQuestions(settings) as asked:
        while left := asked.count_members(groups):
            if time.monotonic() > until_s:
                raise VigilError(f"scale: {left} workers did not end within {DRAIN_S_MAX:g} s; they judge on")
            time.sleep(POLL_S)


def _await_whole(settings: Settings, layout: Layout) -> None:
    """Wait until workers are back, and as far as the log was: their next checkpoint is then whole."""
    old = in_generation(settings, layout.judged)
    ends, until_s = log_ends(old, old.topic(READINGS)), time.monotonic() + WHOLE_S_MAX
    with GroupQuestions(settings) as groups:
        while True:
            done = groups.committed(old.judging_group)
            if all(tp in done and done[tp].offset >= end for tp, end in ends.items()):
                return
            if time.monotonic() > until_s:
                raise VigilError(
                    f"scale: workers were not back within {WHOLE_S_MAX:g} s: vigil scale --resume"
                )
            time.sleep(POLL_S)


def _await_forwarded(settings: Settings, layout: Layout) -> None:
    """Wait until all that lies in the generations before now has been forwarded."""
    if not are_forwarded(settings, layout, FORWARDED_S_MAX):
        raise VigilError(
            f"scale: not all was forwarded within {FORWARDED_S_MAX:g} s; are workers there? vigil scale --resume"
        )


def _see_shape(new: Settings) -> None:
    """See that all topics have as many partitions as they should in a generation."""
    wrong = [one for one in inspect_topics(new).differences if one.what in ("partitions", "topic")]
    if wrong:
        told = ", ".join(f"{one.topic}: {one.what} {one.found}, planned {one.planned}" for one in wrong)
        raise TopicsMismatch(
            f"{told}: give --partitions and --replication as they were created; topics of a generation that was "
            "never judged may be deleted"
        )


def _see_forwarded(settings: Settings, gone: list[Settings]) -> None:
    """See that all that was written to generations that are no more was forwarded, up to the last moment."""
    ends = {tp: end for one in gone for tp, end in ends_of_topic(settings, one.topic(READINGS)).items()}
    with GroupQuestions(settings) as groups:
        done = groups.committed(forwarding_group(settings))
    left = {tp.topic: 0 for tp in ends}
    for tp, end in ends.items():
        left[tp.topic] += max(0, end - done[tp].offset) if tp in done else 0
    if told := ", ".join(f"{count} of {topic}" for topic, count in left.items() if count):
        raise VigilError(
            f"scale: readings came after the last was forwarded and are judged by nobody ({told}): nothing is removed; "
            "find who wrote them, and remove the topics by hand when they are of no use"
        )


def _remove_unused(settings: Settings, layout: Layout, say: Say) -> None:
    """Remove topics and groups of generations that are no more."""
    kept = {each.number for each in layout.generations}
    gone = [
        in_generation(settings, Generation(number=number, factor=1))
        for number in range(layout.last_number + 1)
        if number not in kept
    ]
    _see_forwarded(settings, gone)
    with closing(connect_admin(settings)) as admin:
        there = {topic["name"] for topic in admin.describe_topics()}
        names = sorted(there & {name for one in gone for name in (one.topic(READINGS), changelog_topic(one))})
        groups = [one.judging_group for one in gone]
        if names:
            admin.delete_topics(names, raise_errors=False)
            say(f"removed: {', '.join(names)}")
        if groups:
            admin.delete_groups(groups)
