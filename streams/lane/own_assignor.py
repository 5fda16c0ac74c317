"""Partitions as a worker of ours divided them, or none: what another client's protocol assigns is not judged.

One consumer of Kafka's newer protocol in the group makes the broker divide the partitions, by itself and with no word:
readings may then go to one worker, and the changelog and orders of the same patients to another. Kafka 4.3.1 does so
among clients that bring no data of their own with their subscription, as Faust does, and turns those away.
"""

from collections.abc import Callable
from typing import Any

from faust.assignor import PartitionAssignor

from streams.kafka.publisher import fail_stop


class OwnAssignor(PartitionAssignor):  # type: ignore[misc]  # Faust ships no types
    """Faust's assignor, which stops the process at an assignment that none of its own has made.

    What one of its own has made carries a word to the member beside the partitions; a broker adds none.
    """

    stop: Callable[[str], None] = staticmethod(fail_stop)

    def on_assignment(self, assignment: Any) -> None:
        """Take what the group's leader has assigned."""
        if not assignment.user_data:
            self.stop(
                f"the broker, not a worker, has divided the partitions: a client of another protocol is in the group "
                f"{self.app.conf.id}; vigil doctor tells more; end it, or give it a group of its own"
            )
            return
        super().on_assignment(assignment)
