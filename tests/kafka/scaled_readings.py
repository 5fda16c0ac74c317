"""Readings that are given more partitions without workers: what is written before is forwarded as they forward it."""

from contextlib import contextmanager

from agents.stragglers import Stragglers
from edge import scaling
from streams.contracts.layout import Phase
from streams.kafka.layout_log import laid_out, read_layout


def quiet(line):
    """Say nothing."""


@contextmanager
def scaled(settings, factor):
    """Give the readings so many times the partitions; in the block they are open, and stragglers are forwarded."""
    forwarders = []

    def tell(line):
        if line.startswith("move"):
            layout = read_layout(settings)
            forwarders.append(Stragglers(laid_out(settings, layout), layout))
            forwarders[0].start()

    try:
        assert scaling.begin(settings, factor, tell).phase == Phase.OPEN
        yield
    finally:
        for one in forwarders:
            one.stop()


def finish(settings, monkeypatch):
    """Remove what nobody writes to any more, after a moment's look."""
    monkeypatch.setattr(scaling, "QUIET_S", 1.0)
    assert scaling.finish(settings, quiet).phase == Phase.SETTLED
