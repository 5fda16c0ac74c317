"""The store of what delivery remembers: open alarms by episode, and how its changelog brings them back.

Faust's recovery feeds the changelog in, block by block; what is written goes out with the block that led to it
(`agents.delivery.escalator`), not per key.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from faust.types import TP

from agents.delivery.episode import Episode, decode_episode, encode_episode
from streams.kafka.publisher import fail_stop
from streams.lane.block import Block
from streams.lane.block_table import BlockStore

END_KEY: Final = b"~end"
"""Key of the record that follows each batch: asked for its end, the embedded broker leaves out all but the first
record of the last batch, and recovery would stop there."""

Episodes = dict[str, Episode]


class EpisodeStore(BlockStore):
    """Episodes of every partition that this process holds, by name.

    Args:
        on_read: told when records of the changelog were taken in: a recovery makes progress.
        on_failure: what to do when the changelog cannot be read; the default stops the process.
    """

    def __init__(self, on_read: Callable[[], None], on_failure: Callable[[str], None] = fail_stop) -> None:
        super().__init__("episodes", on_read, on_failure)
        self.partitions: dict[int, Episodes] = {}
        self._applied: dict[int, int] = {}
        self._given_up: set[int] = set()

    def state(self, partition: int) -> Episodes:
        """Return the partition's episodes, none if there are none yet."""
        return self.partitions.setdefault(partition, {})

    def give_up(self, partition: int) -> None:
        """Do not trust what was recovered of a partition: its changelog could not be read to its end."""
        self._given_up.add(partition)

    def resume_at(self, committed: Mapping[int, int], begins: Mapping[int, int]) -> dict[int, int]:
        """Return where deciding goes on: at what is committed, or at the log's start where the state was lost.

        The log holds a day; decided again it leads to milestones of the same ids.
        """
        for partition in self._given_up & committed.keys():
            self.partitions.pop(partition, None)
        lost, self._given_up = self._given_up & committed.keys(), self._given_up - committed.keys()
        return {partition: 0 if partition in lost else offset for partition, offset in committed.items()}

    def apply_changelog_batch(
        self, batch: Iterable[Any], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Take blocks of the changelog, or single records of it, into the state."""
        for event in batch:
            message = event.message
            for record in message.value.value if isinstance(message.value, Block) else [message]:
                try:
                    self.apply(message.partition, record.key, record.value)
                except Exception as error:  # whatever it is, Faust would swallow it and recovery never end
                    where = f"partition {message.partition}, offset {record.offset}"
                    self._on_failure(f"changelog of delivery, {where}: {error!r}")
            self._applied[message.partition] = message.offset
            self._on_read()

    def apply(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take one record: of two of an episode the one counts that reaches further into the log.

        Raises:
            msgspec.MsgspecError: it is damaged.
        """
        if key == END_KEY:
            return
        episodes, name = self.state(partition), key.decode()
        if value is None:
            episodes.pop(name, None)
            return
        found, known = decode_episode(value), episodes.get(name)
        if known is None or found.position >= known.position:
            episodes[name] = found

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Forget the partitions that are somebody else's now."""
        held = {tp.partition for tp in active_tps | standby_tps}
        for partition in [partition for partition in self.partitions if partition not in held]:
            del self.partitions[partition]
            self._applied.pop(partition, None)

    def persisted_offset(self, tp: TP) -> int | None:
        """Return the last changelog offset that the state holds, None when the partition is not held."""
        return self._applied.get(tp.partition)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Note that the changelog up to `offset` is what the state says."""
        self._applied[tp.partition] = max(offset, self._applied.get(tp.partition, -1))

    def reset_state(self) -> None:
        """Forget everything; recovery brings it back."""
        self.partitions.clear()
        self._applied.clear()

    def __getitem__(self, name: str) -> bytes:
        for episodes in self.partitions.values():
            if name in episodes:
                return encode_episode(episodes[name])
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for episodes in self.partitions.values() for name in episodes)

    def __contains__(self, name: object) -> bool:
        return any(name in episodes for episodes in self.partitions.values())

    def __len__(self) -> int:
        return sum(len(episodes) for episodes in self.partitions.values())


def changes(episodes: Episodes, names: Iterable[str]) -> list[tuple[bytes, bytes | None]]:
    """Return the changelog's records of what has changed: what an episode is now, None where it is forgotten."""
    return [(name.encode(), encode_episode(episodes[name]) if name in episodes else None) for name in names]
