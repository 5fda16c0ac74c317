"""What a partition says of its wards: the counts that the judge finds, written when they change and now and then."""

from dataclasses import dataclass, field, replace

from clinical.limits import NEVER
from clinical.wards import Count
from streams.config.settings import Settings
from streams.contracts.partitions import partition_of
from streams.contracts.topics import WARDS
from streams.contracts.ward import WardReport
from streams.kafka.publisher import Publisher
from tables.partition import Partition


@dataclass(slots=True)
class Said:
    """What one partition has said of its wards, by name; kept only here: a restart says all once more."""

    counts: dict[str, Count] = field(default_factory=dict)


@dataclass(slots=True)
class Reports:
    """Writes the counts of this worker's partitions."""

    settings: Settings
    publisher: Publisher

    async def write(self, partition: Partition, counts: dict[str, Count], tick_ms: int) -> None:
        """Write what has changed, or was said long ago, of the counts of all wards at a tick; `NEVER` = at none."""
        if tick_ms == NEVER:
            return
        for report in due(partition.number, partition.of(Said).counts, counts, tick_ms):
            to = partition_of(report.ward, self.settings.partitions)
            value = report.model_dump_json().encode()
            await self.publisher.publish(self.settings.topic(WARDS), report.key, value, partition=to)


def due(partition: int, said: dict[str, Count], counts: dict[str, Count], tick_ms: int) -> list[WardReport]:
    """Return what a partition has to say at a tick, and take note of it in `said`: the counts of all wards by name.

    A ward of which nobody is left is said once, with 0.
    """
    found = []
    nobody = dict.fromkeys(said, Count(0, 0, NEVER, NEVER, tick_ms))
    for name, count in sorted((nobody | counts).items()):
        before = said.get(name)
        is_known = before is not None and replace(before, tick_ms=tick_ms) == count
        if is_known and before is not None and tick_ms - before.tick_ms < count.renewed_ms():
            continue
        if name in counts:
            said[name] = count
        else:
            del said[name]
        found.append(
            WardReport(
                ward=name,
                partition=partition,
                tick_ts_ms=tick_ms,
                patients=count.patients,
                silent=count.silent,
                first_ts_ms=count.first_ms,
                last_ts_ms=count.last_ms,
            )
        )
    return found
