"""The sender's pool over channels of its own making: what goes to the log, and what it tells of its channels."""

import asyncio
import json
import time

from alert_of import alert_of

from edge.channels.faults import CHANNEL_FAILED, RECIPIENT_GONE, fault_alert
from edge.channels.metrics import ChannelMetrics
from edge.channels.options import Options
from edge.channels.outbox import Outbox
from edge.channels.page import Refused, Retry, Sent, Status, Why
from edge.channels.pool import Boxes, Pool, Read
from streams.contracts.deliveries import Delivery


class Sending:
    """A record of kafka-python's that is on its way."""

    def __init__(self, works=True):
        self.is_done, self._works = True, works

    def succeeded(self):
        return self._works


class Log:
    """Takes what is written; the first `fail` records fail for good."""

    def __init__(self, fail=0):
        self.records, self.fail, self.letters = [], fail, []

    def send(self, key, value, partition=None, ts_ms=None, headers=()):
        if self.fail:
            self.fail -= 1
            return Sending(works=False)
        self.records.append((json.loads(value), partition))
        self.letters.append(dict(headers))
        return Sending()


class Way:
    def __init__(self, *answers, renew_s=0.0):
        self.answers, self.renew_s, self.got = list(answers or [Sent()]), renew_s, []
        self.follows = frozenset({"start", "update", "acknowledge", "end"})

    async def send(self, page, attempt, deadline_s):
        self.got.append(page)
        await asyncio.sleep(0)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def now_ms():
    return time.time_ns() // 1_000_000


class World:
    """A pool of channels with one partition, 3, and the three topics that it writes."""

    def __init__(self, **channels):
        self.logs = Log(), Log(), Log()
        boxes = Boxes(*map(Outbox, self.logs))
        options = {name: Options(canary=getattr(way, "canary", False)) for name, way in channels.items()}
        self.pool = Pool(
            {name: (way, options[name]) for name, way in channels.items()}, boxes, ChannelMetrics()
        )
        self.tasks = [box.run() for box in (boxes.deliveries, boxes.alerts, boxes.letters)] + [
            self.pool.run()
        ]
        self.offset = 0

    def take(self, *records, partition=3):
        for one in records:
            self.offset += 1
            self.pool.take([Read(partition, self.offset, now_ms(), one)])

    def milestones(self, delivery="d1"):
        return [record["milestone"] for record, _ in self.logs[0].records if record["id"] == delivery]

    def alerts(self, rule):
        return [record["phase"] for record, _ in self.logs[1].records if record["rule"] == rule]

    def live(self, steps, wait_s=10.0):
        """Run the pool, and `steps` in it: a generator of conditions to wait for."""

        async def run():
            tasks = [asyncio.ensure_future(task) for task in self.tasks]
            self.pool.assigned(3, (0, 0))
            try:
                for condition in steps():
                    async with asyncio.timeout(wait_s):
                        while not condition():
                            assert not any(task.done() for task in tasks)
                            await asyncio.sleep(0.01)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(run())


def queued(delivery="d1", channel="way", **said):
    usual = {"alert": "e1-0", "episode": "e1", "patient": "bed-1", "ward": "3", "rule": "spo2-low", "step": 1}
    usual |= {"priority": "medium", "recipient": "n1", "milestone": "queued", "at_ts_ms": now_ms()}
    return Delivery(id=delivery, channel=channel, **usual | said)


def test_nothing_is_sent_before_the_log_was_read_to_its_end():
    way = Way()
    world = World(way=way)

    def steps():
        world.take(alert_of(), queued(), queued("d2"), queued("d2", milestone="taken"))
        yield lambda: True
        assert way.got == []
        world.pool.caught_up(3)
        yield lambda: world.milestones() == ["sent", "taken"]

    world.live(steps)
    assert [page.id for page in way.got] == ["d1"]
    assert {partition for _, partition in world.logs[0].records} == {3}


def test_a_stuck_channel_delays_no_other():
    class Stuck(Way):
        async def send(self, page, attempt, deadline_s):
            await asyncio.sleep(30)

    ways = {"stuck": Stuck(), "way": Way()}
    world = World(**ways)

    def steps():
        world.pool.caught_up(3)
        world.take(alert_of())
        for number in range(100):
            world.take(queued(f"s{number}", "stuck"))
        world.take(queued())
        began_s = time.monotonic()
        yield lambda: "taken" in world.milestones()
        assert time.monotonic() - began_s < 1.0

    world.live(steps)


def test_a_channel_that_is_in_no_routing_file_ends_its_messages_with_a_dead_letter():
    world = World(way=Way())

    def steps():
        world.pool.caught_up(3)
        world.take(alert_of(), queued(channel="other"), queued("d2", "board"))
        yield lambda: world.milestones() == ["expired"] and world.logs[2].letters

    world.live(steps)
    assert world.logs[2].letters[0]["channel"] == b"other"
    assert world.milestones("d2") == []  # boards say themselves what they show


def test_a_channel_that_fails_is_told_of_and_that_it_works_again_too():
    failing = Way(*[Retry(Why.SERVER, "answered 500")] * 5, Sent())
    world = World(way=failing)

    def steps():
        world.pool.caught_up(3)
        world.take(alert_of(), *(queued(f"d{number}") for number in range(5)))
        yield lambda: world.alerts(CHANNEL_FAILED) == ["start"]
        yield lambda: world.alerts(CHANNEL_FAILED) == ["start", "end"]

    world.live(steps, wait_s=20.0)
    start, end = (record for record, _ in world.logs[1].records)
    assert start["episode"] == end["episode"]
    assert start["patient"] == "~channel/way"
    assert "answered 500" in start["reason"]


def test_a_recipient_who_is_gone_is_told_of_until_a_message_gets_through():
    way = Way(Refused(Why.GONE, "answered 410"), Sent())
    world = World(way=way)

    def steps():
        world.pool.caught_up(3)
        world.take(alert_of(), queued())
        yield lambda: world.alerts(RECIPIENT_GONE) == ["start"] and "expired" in world.milestones()
        world.take(queued("d2"))
        yield lambda: world.alerts(RECIPIENT_GONE) == ["start", "end"]

    world.live(steps)


def test_what_a_sender_before_this_one_left_open_is_ended_by_the_first_success():
    world = World(way=Way())
    left = fault_alert(CHANNEL_FAILED, "way", "", 1_000, 1_000, "answered 500")
    gone = fault_alert(CHANNEL_FAILED, "no-more", "", 1_000, 1_000, "answered 500")

    def steps():
        world.take(left, gone, alert_of(), queued())
        world.pool.caught_up(3)
        yield lambda: len(world.alerts(CHANNEL_FAILED)) == 2

    world.live(steps)
    assert {record["episode"] for record, _ in world.logs[1].records} == {left.episode, gone.episode}
    assert world.alerts(CHANNEL_FAILED) == ["end", "end"]


def test_what_a_provider_says_later_is_a_milestone_of_that_message():
    world = World(way=Way())

    def steps():
        world.pool.caught_up(3)
        world.take(alert_of(), queued())
        yield lambda: "taken" in world.milestones()
        world.pool.told(Status("d1", "accepted", "accepted"))
        world.pool.told(Status("unknown", "accepted"))
        yield lambda: world.milestones() == ["sent", "taken", "accepted"]

    world.live(steps)


def test_a_partition_that_is_anothers_is_sent_no_more():
    way = Way(Retry(Why.SERVER, "answered 500"))
    world = World(way=way)

    def steps():
        world.pool.caught_up(3)
        world.take(alert_of(), queued())
        yield lambda: "failed" in world.milestones()
        world.pool.revoked(3)
        count = len(way.got)
        began_s = time.monotonic()
        yield lambda: time.monotonic() - began_s > 1.5
        assert len(way.got) == count
        assert "expired" not in world.milestones()

    world.live(steps)


def test_an_end_stops_renewals_and_is_told():
    way = Way(renew_s=0.05)
    world = World(way=way)

    def steps():
        world.pool.caught_up(3)
        world.take(alert_of(), queued())
        yield lambda: len(way.got) >= 3  # the alarm, and renewals of it
        world.take(alert_of(id="e1-9", phase="end", state="inactive"))
        yield lambda: way.got[-1].event == "end"
        began_s = time.monotonic()
        yield lambda: time.monotonic() - began_s > 0.3

    world.live(steps)
    assert way.got[-1].event == "end"
    assert world.milestones() == ["sent", "taken", "sent", "taken"]


def test_a_canary_goes_over_each_channel_that_wants_it_once_a_minute():
    wanting, other = Way(), Way()
    wanting.canary = True
    world = World(wanting=wanting, other=other)

    def steps():
        world.pool.assigned(0, (0, 0))
        world.pool.caught_up(0)
        for number in range(3):
            canary = alert_of(
                id=f"c{number}-0", episode=f"c{number}", patient="vigil-canary-0", rule="canary"
            )
            world.take(canary, partition=0)
        yield lambda: world.logs[0].records
        ((record, partition),) = world.logs[0].records
        assert (record["channel"], record["rule"], partition) == ("wanting", "canary", 0)
        world.take(Delivery.model_validate(record), partition=0)
        yield lambda: wanting.got

    world.live(steps)
    assert other.got == []


def test_what_kafka_did_not_take_is_written_again_in_its_order():
    world = World(way=Way())
    world.logs[0].fail = 1

    def steps():
        world.pool.caught_up(3)
        world.take(alert_of(), queued())
        yield lambda: world.milestones()[-2:] == ["sent", "taken"]

    world.live(steps)
