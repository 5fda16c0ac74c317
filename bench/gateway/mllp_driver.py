"""The driver as monitors that speak HL7: `python -m bench.gateway.mllp_driver JSON`."""

from typing import Final

from bench.gateway.driver import TURNED_AWAY_S, Connection, main
from bench.gateway.frames import Load
from bench.gateway.messages import message_of
from edge.gateway.hl7.framing import CR, FS

NOT_NOW: Final = (b"busy:", b"not-stored:")


class MllpConnection(Connection):
    """A connection of MLLP."""

    def request(self, load: Load, place: int, number: int) -> bytes:
        """Return the connection's `number`-th message."""
        return message_of(load, place, number)

    def data_received(self, data: bytes) -> None:
        """Take an answer in."""
        self._buffer += data
        said, found, rest = self._buffer.partition(FS + CR)
        if not found:
            return
        self._buffer = rest
        if b"\rMSA|AA|%d\r" % self._number in said:
            self.acknowledge()
        elif any(reason in said for reason in NOT_NOW):
            self._outcome.turned_away += 1
            self._loop.call_later(TURNED_AWAY_S, self._after)
        else:
            self._outcome.failed += 1
            self._after()


if __name__ == "__main__":
    main(MllpConnection)
