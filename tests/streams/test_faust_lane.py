"""The lane over Faust: what it answers about partitions, and whom it hands blocks."""

import asyncio
from types import SimpleNamespace

import pytest
from lane_model import ONE, READINGS, TWO

from streams.config.settings import Settings
from streams.lane.app import create_app
from streams.lane.faust_lane import FaustLane
from streams.lane.log_faults import LogFaults
from streams.lane.protocol import Lag, Lane, Reader


class Consumer:
    """One partition of the readings that holds 10 records, of which up to `stable` can be read."""

    def __init__(self, stable=10):
        self.stable, self.again, self.marks, self.commits = stable, [], [], 0
        self.early = set()

    def assignment(self):
        return {ONE, TWO._replace(topic="other")}

    def highwater(self, tp):
        return 10

    def stable_end(self, tp):
        return self.stable

    def begun_early(self, topic):
        return frozenset(self.early if topic == READINGS else ())

    def expected(self, tp):
        return 7 if tp == ONE else None

    def committed(self, tp):
        return 3

    async def read_again(self, tp):
        self.again.append(tp)

    def mark_durable(self, tp, offset):
        self.marks.append((tp, offset))

    async def commit(self):
        self.commits += 1


class App:
    """What the lane asks of Faust."""

    def __init__(self, stable=10, ended=False, rebalancing=False, ready=True):
        self.should_stop, self.rebalancing = ended, rebalancing
        self.tables = SimpleNamespace(actives_ready=ready)
        self.consumer = Consumer(stable)
        self.transport = SimpleNamespace(lane=SimpleNamespace(faults=LogFaults()), readers={})


@pytest.mark.parametrize(
    ("how", "owned"),
    [({}, {0}), ({"rebalancing": True}, None), ({"ready": False}, None), ({"ended": True}, None)],
)
def test_partitions_are_owned_while_nothing_changes_and_the_worker_goes_on(how, owned):
    assert FaustLane(App(**how), READINGS).owned() == owned


@pytest.mark.parametrize("how", [{"rebalancing": True}, {"ready": False}, {"ended": True}])
def test_while_others_are_recovered_those_are_owned_that_are_judged_already_unless_the_worker_ends(how):
    app = App(**how)
    app.consumer.early = {1}
    lane = FaustLane(app, READINGS)
    assert (lane.owned(), lane.owned("other")) == (None if "ended" in how else {1}, None)


def test_how_far_a_partition_is_counts_from_what_is_admitted_next_or_from_where_one_asks():
    lane = FaustLane(App(), READINGS)
    assert lane.lag(READINGS, 0) == Lag(7, 3, is_stopped=False, committed=3)
    assert lane.lag(READINGS, 0, 4) == Lag(4, 6, is_stopped=False, committed=3)
    assert lane.lag(READINGS, 1) is None
    assert lane.lag(READINGS, 0, 4).can_go_on
    assert not lane.lag(READINGS, 0, 10).can_go_on


def test_an_open_transaction_stops_a_partition_that_has_come_to_it_and_none_before():
    lane = FaustLane(App(stable=5), READINGS)
    assert not lane.lag(READINGS, 0, 4).is_stopped
    assert lane.lag(READINGS, 0, 5).is_stopped
    assert lane.faults.stops(ONE)
    lane._app.consumer.stable = 10
    assert not lane.lag(READINGS, 0, 5).is_stopped


def test_a_damaged_batch_stops_a_partition():
    lane = FaustLane(App(), READINGS)
    lane.faults.cannot_open(ONE, 7, ValueError("damaged"))
    assert lane.lag(READINGS, 0).is_stopped


def test_what_agents_tell_reaches_the_consumer():
    app = App()
    lane = FaustLane(app, READINGS)

    async def tell():
        await lane.read_again(READINGS, 0)
        lane.durable(READINGS, 0, 8)
        await lane.commit()

    asyncio.run(tell())
    assert (app.consumer.again, app.consumer.marks, app.consumer.commits) == ([ONE], [(ONE, 8)], 1)


def test_a_reader_becomes_a_faust_agent_of_its_name_and_answers_the_consumer():
    app = create_app(Settings(brokers="127.0.0.1:1", group="vigil"))
    reader = Reader("monitor", None)
    FaustLane(app, READINGS).blocks(READINGS, reader)
    assert app.transport.readers == {READINGS: reader}
    assert [agent.name for agent in app.agents.values()] == ["monitor"]


def test_six_methods_are_all_that_agents_know_of_a_lane_and_this_one_has_no_others():
    methods = {"blocks", "owned", "lag", "read_again", "durable", "commit"}
    for kind in (Lane, FaustLane):
        assert {name for name, value in vars(kind).items() if callable(value) and name[0] != "_"} == methods
