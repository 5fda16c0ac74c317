"""The gateway's process: its end."""

import asyncio

from edge.gateway import process


class Protocol:
    """One that is open; `error` is what its end raises."""

    def __init__(self, error=None, takes_s=0.0):
        self.error, self.takes_s, self.ended = error, takes_s, False

    async def stop(self):
        await asyncio.sleep(self.takes_s)
        if self.error is not None:
            raise self.error
        self.ended = True


def test_a_protocol_whose_end_fails_is_told_and_the_others_end_before_kafka_is_closed(caplog):
    slow, failing = Protocol(takes_s=0.05), Protocol(ValueError("a fault of ours"))
    opened = [failing, slow]
    asyncio.run(process._stop(opened))
    assert slow.ended
    assert opened == []
    assert "did not stop in order: ValueError('a fault of ours')" in caplog.text
