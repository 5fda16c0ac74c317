"""Offsets that a group has committed, for tests that have no member in it."""

from contextlib import closing, suppress

from kafka.errors import CoordinatorNotAvailableError
from kafka.structs import OffsetAndMetadata
from waiting import wait_until

from streams.kafka.connect import connect_admin


def commit(settings, group, offsets):
    """Commit for a group; the first of a new cluster waits for its coordinator."""

    def done():
        with closing(connect_admin(settings)) as admin, suppress(CoordinatorNotAvailableError):
            return not any(error.errno for error in admin.alter_group_offsets(group, places).values())

    places = {tp: OffsetAndMetadata(at, "", -1) for tp, at in offsets.items()}
    wait_until(done, "the group's coordinator")
