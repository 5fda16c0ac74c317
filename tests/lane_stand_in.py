"""A lane for tests: it reads nothing, and notes what it is told."""

from streams.lane.log_faults import LogFaults
from streams.lane.protocol import Lag


class StandInLane:
    """`owned` are the partitions; what is declared durable counts as committed unless `committed` says otherwise."""

    def __init__(self, owned=(), on_durable=lambda partition, offset: None):
        self.faults, self.readers, self.ours = LogFaults(), {}, owned
        self.on_durable, self.committed = on_durable, None
        self.done, self.commits = [], 0

    def blocks(self, topic, reader):
        self.readers[topic] = reader

    def owned(self, topic=None):
        return None if self.ours is None else frozenset(self.ours)

    def lag(self, topic, partition, at=None):
        declared = max([-1, *(offset for of, offset in self.done if of == partition)])
        return Lag(at or 0, 0, False, declared if self.committed is None else self.committed)

    async def read_again(self, topic, partition):
        raise AssertionError("nothing was read")

    def durable(self, topic, partition, offset):
        self.done.append((partition, offset))
        self.on_durable(partition, offset)

    async def commit(self):
        self.commits += 1
