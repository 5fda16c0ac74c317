"""The ways in which the documents of Kafka Streams and Flink leave an operator to more partitions, step by step.

And one that is about no scaling: how long Kafka Streams is silent when an instance dies, a standby beside it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from bench.peers import java_build
from bench.scaling_peers.peer_log import complaint
from bench.scaling_peers.trial import (
    BEGIN_S_MAX,
    COPIED_S_MAX,
    END_S_MAX,
    PARTITIONS,
    QUIET_S,
    READINGS,
    Instance,
    Trial,
)
from streams.errors import VigilError

STEPS: Final = ((0.15, 8), (0.5, 24))
"""At which share of the load, and to how many partitions: as the drill."""

KILLED_SHARE: Final = 0.3
"""At which share of the load an instance is killed."""

INSTANCES: Final = 2
STANDBYS: Final = 1
COPY_MAIN: Final = "bench.peers.streams.Copy"
SOON_METADATA_MS: Final = 3_000
"""Where an application shall notice that its topic grows; the default is five minutes."""

DEAD_S_MAX: Final = 90.0
AGAIN_S: Final = 60.0
"""How long an application that is started again is watched."""

STOPPED_S_MAX: Final = 60.0
MOVED_S_MAX: Final = 60.0
"""For the writer to write into each new partition."""


@dataclass
class Application:
    """Instances of Kafka Streams with one application id on one topic."""

    group: str
    topic: str
    partitions: int
    instances: list[Instance] = field(default_factory=list)

    def stop(self) -> float:
        """Stop all instances in order, beside each other; return how long that took, s."""
        begin_s = time.monotonic()
        for instance in self.instances:
            instance.process.terminate()
        for instance in self.instances:
            instance.stop()
        return round(time.monotonic() - begin_s, 1)


@dataclass(frozen=True, slots=True)
class Played:
    """What is to be read back: the topic that was judged at the end, and of how many partitions both are."""

    judged: str
    partitions: int
    log_partitions: int


def _streams(
    trial: Trial, topic: str, partitions: int, age_ms: int | None = None, again: str = ""
) -> Application:
    application = Application(f"monitor-{topic}", topic, partitions)
    ages: dict[str, Any] = {} if age_ms is None else {"metadata_age_ms": age_ms}
    application.instances += [
        trial.start(
            f"streams{again}",
            java_build.command("kafka-streams"),
            group=application.group,
            readings=topic,
            partitions=partitions,
            threads=1,
            standbys=STANDBYS,
            **ages,
        )
        for _ in range(INSTANCES)
    ]
    return application


def grown_under_it(trial: Trial) -> Played:
    """Kafka Streams: the topic grows under the application, which is then started again."""
    application = _streams(trial, READINGS, PARTITIONS, SOON_METADATA_MS)
    trial.await_marks("begin-", PARTITIONS, BEGIN_S_MAX, application.instances)
    partitions = STEPS[0][1]
    with trial.playing():
        trial.sleep_until(STEPS[0][0])
        with trial.step(f"the topic grows to {partitions} partitions") as noted:
            trial.grow(READINGS, partitions)
            grown_s = time.monotonic()
            noted["exit_codes"] = [each.ended(DEAD_S_MAX) for each in application.instances]
            noted["dead_after_s"] = round(time.monotonic() - grown_s, 1)
            noted["said"] = complaint("\n".join(each.said for each in application.instances))
        with trial.step("the application is started again") as noted:
            again = _streams(trial, READINGS, partitions, SOON_METADATA_MS, "-again")
            time.sleep(AGAIN_S)
            noted["running"] = [each.process.poll() is None for each in again.instances]
            again.stop()
            noted["said"] = complaint("\n".join(each.said for each in again.instances))
    return Played(READINGS, partitions, partitions)


def _copied(trial: Trial, beside: bool) -> Played:
    """Copy the readings by key to a topic of more partitions, and let a new application id read it from the first."""
    old = _streams(trial, READINGS, PARTITIONS)
    trial.await_marks("begin-", PARTITIONS, BEGIN_S_MAX, old.instances)
    before: Instance | None = None
    with trial.playing():
        for share, partitions in STEPS:
            trial.sleep_until(share)
            with trial.step(f"a copy of {partitions} partitions") as noted:
                topic = f"{READINGS}-{partitions}"
                copy = _copy(trial, topic, partitions)
                noted["frames_copied"] = sum(trial.ends(topic, partitions))
                if not beside:
                    noted["stopped_after_s"] = old.stop()
                noted["frames_read_again"] = sum(trial.ends(topic, partitions))
                new = _streams(trial, topic, partitions)
                trial.await_judged(new.group, topic, partitions)
                noted["cpu_s"] = round(sum(each.cpu_s for each in new.instances), 1)
                if beside:
                    old.stop()
                if before is not None:
                    before.stop()
            old, before = new, copy
        # What dies after the last step shall not look like silence of the load's end.
        _check(old.instances)
    trial.await_marks("end-", PARTITIONS, END_S_MAX, old.instances)
    time.sleep(QUIET_S)
    old.stop()
    return Played(old.topic, old.partitions, PARTITIONS)


def _copy(trial: Trial, topic: str, partitions: int) -> Instance:
    """Begin to copy the readings, and wait until what was there is there."""
    trial.create(topic, partitions)
    command = [*java_build.command("kafka-streams")[:-1], COPY_MAIN]
    group = f"copy-{topic}"
    copy = trial.start(
        "copy", command, group=group, readings=READINGS, to=topic, partitions=PARTITIONS, threads=1
    )
    wanted = sum(trial.ends(READINGS, PARTITIONS))
    trial.wait(lambda: sum(trial.ends(topic, partitions)) >= wanted, COPIED_S_MAX, "the copy was not there")
    return copy


def replaced(trial: Trial) -> Played:
    """Kafka Streams: the old application is stopped, then the new one starts on the copy."""
    return _copied(trial, beside=False)


def beside(trial: Trial) -> Played:
    """Kafka Streams: the old application goes on until the new one has judged what was there."""
    return _copied(trial, beside=True)


def killed(trial: Trial) -> Played:
    """Kafka Streams: one of two instances is killed; the other one has a standby of its state, and nobody starts it."""
    application = _streams(trial, READINGS, PARTITIONS)
    trial.await_marks("begin-", PARTITIONS, BEGIN_S_MAX, application.instances)
    with trial.playing():
        trial.sleep_until(KILLED_SHARE)
        with trial.step("an instance is killed"):
            application.instances.pop(0).process.kill()
            trial.await_judged(application.group, READINGS, PARTITIONS)
        _check(application.instances)
    trial.await_marks("end-", PARTITIONS, END_S_MAX, application.instances)
    time.sleep(QUIET_S)
    application.stop()
    return Played(READINGS, PARTITIONS, PARTITIONS)


def _flink(trial: Trial, grow_first: bool) -> Played:
    job = _job(trial, PARTITIONS, None)
    trial.await_marks("begin-", PARTITIONS, BEGIN_S_MAX, [job])
    with trial.playing():
        for share, partitions in STEPS:
            trial.sleep_until(share)
            with trial.step(f"{partitions} partitions, parallelism {partitions}") as noted:
                if grow_first:
                    _grow_and_wait(trial, partitions)
                stopping_s = time.monotonic()
                (job.state / "stop-with-savepoint").touch()
                if (code := job.ended(STOPPED_S_MAX)) != 0:
                    raise VigilError(f"flink ended with {code}, not 0: {complaint(job.said)}")
                noted["stopped_after_s"] = round(time.monotonic() - stopping_s, 1)
                if not grow_first:
                    trial.grow(READINGS, partitions)
                job = _job(trial, partitions, job)
                trial.await_judged(job.group, READINGS, partitions)
                noted["cpu_s"] = round(job.cpu_s, 1)
        _check([job])
    trial.await_marks("end-", STEPS[-1][1], END_S_MAX, [job])
    time.sleep(QUIET_S)
    job.stop()
    return Played(READINGS, STEPS[-1][1], STEPS[-1][1])


def _job(trial: Trial, parallelism: int, before: Instance | None) -> Instance:
    return trial.start(
        "flink",
        java_build.command("flink"),
        group="monitor",
        readings=READINGS,
        partitions=parallelism,
        threads=parallelism,
        state=before.state if before else None,
    )


def _grow_and_wait(trial: Trial, partitions: int) -> None:
    """Give the readings more partitions, and wait until the writer writes into each of them."""
    trial.grow(READINGS, partitions)
    trial.wait(
        lambda: all(trial.ends(READINGS, partitions)), MOVED_S_MAX, "the writer did not follow the topic"
    )


def stopped_then_grown(trial: Trial) -> Played:
    """Flink: stopped with a savepoint, the topic grown, started from the savepoint."""
    return _flink(trial, grow_first=False)


def grown_then_stopped(trial: Trial) -> Played:
    """Flink: the topic grown, the writer awaited, then stopped with a savepoint and started from it."""
    return _flink(trial, grow_first=True)


def _check(instances: list[Instance]) -> None:
    for each in instances:
        if (code := each.process.poll()) is not None:
            raise VigilError(f"{each.name} ended with {code}: {complaint(each.said)}")


@dataclass(frozen=True, slots=True)
class Way:
    """One way; `name` as on the command line, `seconds` of load where it needs less than the others."""

    name: str
    about: str
    play: Callable[[Trial], Played]
    seconds: float | None = None


WAYS: Final = {
    way.name: way
    for way in (
        Way("streams-grown", "Kafka Streams, the topic grows under it", grown_under_it, seconds=60.0),
        Way("streams-replaced", "Kafka Streams, stopped, then a new id on a copy by key", replaced),
        Way("streams-beside", "Kafka Streams, a new id on a copy by key, then the old stopped", beside),
        Way("streams-killed", "Kafka Streams, one of two instances killed, a standby beside it", killed),
        Way("flink-stopped", "Flink, stopped with a savepoint, then the topic grown", stopped_then_grown),
        Way("flink-grown", "Flink, the topic grown, then stopped with a savepoint", grown_then_stopped),
    )
}
