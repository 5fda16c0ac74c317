"""Fixtures of the flow tests: one embedded broker a module, and wards on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from worker_flow import Ward

from edge.brokers.embedded import EmbeddedBroker


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture(scope="module")
def make_ward(
    broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Ward]]:
    """Return a function that makes a ward with topics, group and folder of its own, and other settings if given."""
    wards: list[Ward] = []

    def make(**settings: object) -> Ward:
        folder: Path = tmp_path_factory.mktemp("ward")
        wards.append(Ward(broker.bootstrap, folder, **settings))
        return wards[-1]

    yield make
    for ward in wards:
        ward.close()
