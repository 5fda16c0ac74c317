"""What a number of beds needs: partitions, workers, brokers, disk, network, memory, each with how it was reckoned.

Pure: what was measured and what records weigh are handed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, inf
from typing import Final, NamedTuple

from agents.board_writer import REFRESH_TICKS, REFRESHED_MAX
from agents.delivery.wiring import TICK_S as DELIVERY_TICK_S
from agents.health.heartbeat import HEARTBEAT_S
from bench.sizing import measured as known
from bench.sizing.encoded import Sizes
from bench.sizing.measured import Measured
from bench.sizing.topic_loads import TopicLoad, kept_bytes
from streams.contracts.partition_names import PATIENTS_MAX
from streams.contracts.topics import TOPICS

HOSPITAL_BEDS: Final = 200
"""From here on docs/operations.md wants 48 partitions, below 24; our choice."""

PARTITIONS_MIN: Final = 24
PARTITIONS_A_WORKER: Final = 2
"""At least: a dead worker's partitions are shared out among the others."""

WORKERS_MIN: Final = 2
GATEWAYS_MIN: Final = 2
REPLICAS_MAX: Final = 4_000
"""Copies of partitions on one broker: a rule of thumb of Kafka's makers [M]."""

TOPICS_OF_PARTITIONS: Final = sum(topic.partitions is None for topic in TOPICS) + 2
"""Topics that have as many partitions as the readings, the two changelogs among them."""

DAY_S: Final = 86_400.0
MILESTONES: Final = 4
"""Of an episode that is told: queued, sent, delivered, seen; our assumption."""

TRANSITIONS: Final = 3
"""Of an episode: it starts, somebody answers it, it ends; our assumption."""


@dataclass(frozen=True, slots=True)
class Site:
    """What is planned for.

    Args:
        beds: with a patient in each.
        devices: of a bed.
        rate_hz: frames a second of a device.
        episodes: alarms of a bed and day, each with `TRANSITIONS` alerts.
        replication: copies of each topic.
        board_age_s: values on boards may be so old; below `REFRESH_TICKS` no number of partitions brings them.
        checkpoint_s: between two checkpoints, as the workers' setting has it.
    """

    beds: int
    devices: int = 1
    rate_hz: float = 1.0
    episodes: float = 187.0
    replication: int = 3
    board_age_s: float = 5.0
    checkpoint_s: float = 10.0

    @property
    def frames_hz(self) -> float:
        """Frames a second of all."""
        return self.beds * self.devices * self.rate_hz

    @property
    def alerts_hz(self) -> float:
        """Alerts a second of all."""
        return self.beds * self.episodes * TRANSITIONS / DAY_S


class Figure(NamedTuple):
    """A number of a plan, and how it was reckoned."""

    name: str
    value: float
    unit: str
    how: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a site needs: figures by their names in the order of reckoning, and what topics take."""

    site: Site
    figures: Mapping[str, Figure]
    topics: tuple[TopicLoad, ...]

    def number(self, name: str) -> int:
        """Return a figure that is counted: partitions, workers, gateways, brokers."""
        return int(self.figures[name].value)


def reckon(site: Site, sizes: Sizes, found: Measured) -> Plan:
    """Return the plan of a site."""
    cores = _cores(site, found)
    workers = max(
        WORKERS_MIN,
        ceil(cores.value / known.WORKER_SHARE),
        ceil(site.beds * found.recovery.value / known.RECOVERY_S_MAX),
    )
    partitions, least = _partitions(site, workers)
    gateways = max(GATEWAYS_MIN, ceil(site.frames_hz / (known.GATEWAY_ONE_HZ.value * known.GATEWAY_SHARE)))
    topics = topic_loads(site, sizes, partitions)
    brokers = _brokers(site, topics, partitions, found)
    figures = [
        Figure(
            "frames",
            site.frames_hz,
            "frames/s",
            f"{site.beds:,} beds x {site.devices} devices x {site.rate_hz:g}/s",
        ),
        Figure(
            "alerts",
            site.alerts_hz,
            "alerts/s",
            f"{site.beds:,} beds x {site.episodes:g} alarms a day x {TRANSITIONS} alerts / {DAY_S:g} s",
        ),
        cores,
        Figure(
            "workers",
            workers,
            "processes of one core",
            f"at least {WORKERS_MIN}; {cores.value:.2f} cores / {known.WORKER_SHARE:g}, so that one may die; "
            f"{site.beds:,} patients x {found.recovery.value * 1e6:.1f} us / {known.RECOVERY_S_MAX:g} s to read back",
        ),
        Figure("partitions", partitions, "of the readings", f"the least 24 x 2^n of at least {least}"),
        Figure(
            "gateways",
            gateways,
            "processes of one core",
            f"at least {GATEWAYS_MIN}; {site.frames_hz:,.0f} frames/s / ({known.GATEWAY_ONE_HZ.value:,.0f} one by one "
            f"x {known.GATEWAY_SHARE:g})",
        ),
        *_storage(topics, partitions, site.replication, brokers),
        *_memory(site, workers),
        Figure(
            "group record",
            workers * partitions * sizes.member,
            "B",
            f"{workers} workers x {partitions:,} partitions x {sizes.member:.1f} B that each tells of each",
        ),
    ]
    by_name = {figure.name: figure for figure in figures}
    return Plan(site, by_name, topics)


def _cores(site: Site, found: Measured) -> Figure:
    """Return how much of a core all workers need together, with nothing in reserve."""
    patients = known.TICK_S.value + (known.RECORD_S.value + known.SEND_S.value) / site.checkpoint_s
    refreshed = site.beds / REFRESH_TICKS * known.SHOWN_S.value
    tick, record, send, show = (
        f"{given.value * 1e6:g} us" for given in (known.TICK_S, known.RECORD_S, known.SEND_S, known.SHOWN_S)
    )
    return Figure(
        "worker cores",
        site.frames_hz / found.frames_core.value + site.beds * patients + refreshed,
        "cores, no reserve",
        f"{site.frames_hz:,.0f} frames/s / {found.frames_core.value:,.0f} a core + {site.beds:,} patients x "
        f"({tick} a tick + ({record} + {send}) / {site.checkpoint_s:g} s a checkpoint "
        f"+ {show} / {REFRESH_TICKS} s for boards)",
    )


def _partitions(site: Site, workers: int) -> tuple[int, str]:
    """Return how many partitions, and what they were the least of, in words."""
    wanted = {
        "what operations.md wants": 2 * PARTITIONS_MIN if site.beds >= HOSPITAL_BEDS else PARTITIONS_MIN,
        f"{PARTITIONS_A_WORKER} a worker": PARTITIONS_A_WORKER * workers,
        f"patients / ({PATIENTS_MAX:,} x {known.PARTITION_SHARE:g})": ceil(
            site.beds / (PATIENTS_MAX * known.PARTITION_SHARE)
        ),
        f"patients / ({REFRESHED_MAX} a tick x {site.board_age_s:g} s on boards)": ceil(
            site.beds / (REFRESHED_MAX * site.board_age_s)
        ),
    }
    partitions = PARTITIONS_MIN
    while partitions < max(wanted.values()):
        partitions *= 2
    return partitions, ", ".join(f"{number:,} ({why})" for why, number in wanted.items())


def topic_loads(site: Site, sizes: Sizes, partitions: int) -> tuple[TopicLoad, ...]:
    """Return what is written to each topic that grows with beds; what people write is not among them."""
    alerts, told = site.alerts_hz, site.alerts_hz / TRANSITIONS * MILESTONES
    changed = site.beds / site.checkpoint_s
    shown = min(site.beds / REFRESH_TICKS, REFRESHED_MAX * partitions) + alerts
    mixed = told * sizes.delivery + alerts * sizes.told + partitions / DELIVERY_TICK_S * sizes.tick
    return (
        TopicLoad(
            "vitals.readings",
            site.frames_hz + partitions,
            site.frames_hz * sizes.frame + partitions * sizes.tick,
        ),
        TopicLoad("vitals.alerts", alerts, alerts * sizes.alert),
        TopicLoad("vitals.deliveries", told, told * sizes.delivery),
        TopicLoad("vitals.escalations", told + alerts + partitions / DELIVERY_TICK_S, mixed),
        TopicLoad("vitals.heartbeat", partitions / HEARTBEAT_S, partitions / HEARTBEAT_S * sizes.heartbeat),
        TopicLoad("vitals.patients", shown, shown * sizes.shown, site.beds * sizes.shown),
        TopicLoad("GROUP-patients-changelog", changed, changed * sizes.patient, site.beds * sizes.patient),
    )


def _brokers(site: Site, topics: tuple[TopicLoad, ...], partitions: int, found: Measured) -> Figure:
    written = sum(topic.bytes_s for topic in topics) * site.replication
    replicas = TOPICS_OF_PARTITIONS * partitions * site.replication
    usable = found.broker_bytes.value * known.BROKER_SHARE
    return Figure(
        "brokers",
        max(site.replication, ceil(written / usable), ceil(replicas / REPLICAS_MAX)),
        "brokers",
        f"at least {site.replication}, one a copy; {written / 1e6:,.1f} MB/s with copies / "
        f"({found.broker_bytes.value / 1e6:,.1f} MB/s x {known.BROKER_SHARE:g}); "
        f"{replicas:,} copies of partitions / {REPLICAS_MAX:,}",
    )


def _storage(
    topics: tuple[TopicLoad, ...], partitions: int, copies: int, brokers: Figure
) -> tuple[Figure, ...]:
    written = sum(topic.bytes_s for topic in topics)
    read = sum(topic.bytes_s * len(topic.readers) for topic in topics)
    disk, first = (
        sum(kept_bytes(topic, partitions, age_s) for topic in topics) * copies / known.DISK_SHARE
        for age_s in (inf, 365 * DAY_S)
    )
    return (
        brokers,
        Figure(
            "disk",
            disk,
            "B",
            f"sum of topics, rate x bytes x retention (below), x {copies} copies / {known.DISK_SHARE:g} full at most",
        ),
        Figure("disk, first year", first, "B", "the same, of what is kept for longer a year"),
        Figure("disk a broker", first / brokers.value, "B", f"disk, first year / {brokers.value:g} brokers"),
        Figure("network in", written * copies, "B/s", f"{written / 1e6:,.1f} MB/s written x {copies} copies"),
        Figure(
            "network out",
            read + written * (copies - 1),
            "B/s",
            f"{read / 1e6:,.1f} MB/s to readers (below) + {written / 1e6:,.1f} MB/s x {copies - 1} to other brokers",
        ),
    )


def _memory(site: Site, workers: int) -> list[Figure]:
    device = (known.PATIENT_BYTES_OF_FOUR.value - known.PATIENT_BYTES.value) / 3
    patient = known.PATIENT_BYTES.value + (site.devices - 1) * device
    patients = ceil(site.beds / (workers - 1))
    return [
        Figure(
            "memory a worker",
            known.WORKER_BYTES.value + patients * patient,
            "B",
            f"{known.WORKER_BYTES.value / 1e6:g} MB + {patients:,} patients, when one of {workers} is away, x "
            f"{patient / 1024:.1f} KiB (16.0 with one device, 28.2 with four)",
        )
    ]
