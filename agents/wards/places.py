"""Which partition of `vitals.wards` a ward lies in."""

from aiokafka.partitioner import murmur2


def ward_partition(ward: str, partitions: int) -> int:
    """Return the partition that a ward's name chooses, as Java's client hashes keys; `partitions` is how many."""
    hashed: int = murmur2(ward.encode()) & 0x7FFFFFFF
    return hashed % partitions
