"""A channel's line: order, bounds, retries, and that a stuck channel holds up no other."""

import asyncio
import time

from channel_peers import page_of
from prometheus_client import CollectorRegistry

from edge.channels.book import Wanted
from edge.channels.line import WAITING_MAX, Line
from edge.channels.metrics import ChannelMetrics
from edge.channels.options import Options
from edge.channels.page import Refused, Retry, Sent, Why
from streams.contracts.deliveries import Delivery


class Way:
    """A channel that answers as told, in turns, the last answer again and again; None = it never answers."""

    def __init__(self, *answers, renew_s=0.0):
        self.answers, self.got, self.renew_s = list(answers), [], renew_s
        self.follows = frozenset({"start", "end"})
        self.at_once = self.most_at_once = 0

    async def send(self, page, attempt, deadline_s):
        self.got.append((page.id, attempt))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0.005)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer is None:
                await asyncio.sleep(30)
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.at_once -= 1


class Heard:
    """Keeps what a line reports."""

    def __init__(self, no_use=None):
        self.milestones, self.over, self.no_use, self.lost = [], [], no_use, []

    def reached(self, wanted, milestone, attempt, reason, reference):
        self.milestones.append((wanted.page.id, milestone, attempt))

    def ended(self, wanted, taken):
        self.over.append((wanted.page.id, taken))

    def gone(self, channel, recipient, is_gone):
        self.lost += [recipient] if is_gone else []

    def of_use(self, wanted, attempts):
        return self.no_use

    def of(self, name):
        return [milestone for page, milestone, _ in self.milestones if page == name]


def wanted_of(name="d1", event="start", delivery=None, partition=0, **alert):
    usual = {"alert": "e1-0", "episode": "e1", "patient": "bed-1", "ward": "3", "rule": "spo2-low", "step": 1}
    usual |= {"priority": "medium", "recipient": "n1", "channel": "way", "milestone": "queued", "at_ts_ms": 0}
    queued = Delivery(id=delivery or name, **usual)
    return Wanted(page_of(event, page_id=name, **alert), queued, partition, 0, 0)


def worked(way, *messages, until, heard=None, queued_ago_s=0.0, wait_s=5.0, **options):
    """Return the line and what it reported, once `until(heard)` holds."""
    heard = heard or Heard()

    async def run():
        metrics = ChannelMetrics()
        assert isinstance(metrics.registry, CollectorRegistry)
        line = Line("way", way, Options(**options), heard, metrics)
        task = asyncio.create_task(line.run())
        for one in messages:
            line.add(one, time.monotonic() - queued_ago_s)
        async with asyncio.timeout(wait_s):
            while not until(heard):
                assert not task.done(), task.exception()
                await asyncio.sleep(0.005)
        task.cancel()
        return line

    return asyncio.run(run()), heard


def all_over(count):
    return lambda heard: len(heard.over) >= count


def test_a_message_that_is_taken_leaves_its_milestones_in_order():
    _, heard = worked(Way(Sent("x")), wanted_of(), until=all_over(1))
    assert heard.milestones == [("d1", "sent", 1), ("d1", "taken", 1)]


def test_what_the_provider_says_of_people_by_itself_is_a_milestone_too():
    _, heard = worked(Way(Sent("x", "delivered")), wanted_of(), until=all_over(1))
    assert heard.of("d1") == ["sent", "taken", "delivered"]


def test_a_failed_try_is_followed_by_another_with_the_same_id():
    way = Way(Retry(Why.SERVER, "answered 500"), Sent())
    _, heard = worked(way, wanted_of(), until=all_over(1))
    assert way.got == [("d1", 1), ("d1", 2)]
    assert heard.of("d1") == ["sent", "failed", "sent", "taken"]


def test_what_is_refused_for_good_is_given_up_at_once():
    way = Way(Refused(Why.REFUSED, "answered 400"))
    _, heard = worked(way, wanted_of(), until=all_over(1))
    assert heard.of("d1") == ["sent", "failed", "expired"]
    assert len(way.got) == 1


def test_a_message_without_time_left_is_given_up_untried():
    way = Way(Sent())
    _, heard = worked(way, wanted_of(), until=all_over(1), queued_ago_s=91.0)
    assert heard.of("d1") == ["expired"]
    assert way.got == []


def test_a_provider_that_asks_for_more_time_than_there_is_ends_the_message_now():
    _, heard = worked(Way(Retry(Why.BUSY, "answered 429", 500.0)), wanted_of(), until=all_over(1))
    assert heard.of("d1") == ["sent", "failed", "expired"]


def test_a_channel_that_never_answers_fails_and_is_left_alone_and_messages_find_their_end():
    messages = [wanted_of(f"d{number}") for number in range(20)]
    line, heard = worked(Way(None), *messages, until=all_over(20), attempt_s=0.05, total_s=2.5)
    assert line.breaker.state == "open"
    assert {name for name, taken in heard.over if not taken} == {f"d{number}" for number in range(20)}
    assert all(heard.of(f"d{number}")[-1] == "expired" for number in range(20))


def test_a_channel_that_raises_fails_like_any_other():
    way = Way(ZeroDivisionError("of its own"), Sent())
    _, heard = worked(way, wanted_of(), until=all_over(1))
    assert heard.of("d1") == ["sent", "failed", "sent", "taken"]


def test_no_more_messages_at_once_than_the_channel_has_room_for():
    way = Way(Sent())
    worked(way, *(wanted_of(f"d{number}") for number in range(40)), until=all_over(40), concurrency=3)
    assert way.most_at_once == 3


def test_what_follows_of_a_delivery_waits_for_what_is_before_it():
    way = Way(Retry(Why.SERVER, "answered 500"), Sent())
    _, _ = worked(way, wanted_of(), wanted_of("d1.9", "end", "d1"), until=all_over(2))
    assert [name for name, _ in way.got] == ["d1", "d1", "d1.9"]


def test_the_most_urgent_goes_first_where_many_wait():
    way = Way(Sent())
    messages = [wanted_of("low", priority="low"), wanted_of("high", priority="high"), wanted_of("medium")]
    worked(way, *messages, until=all_over(3), concurrency=1)
    assert [name for name, _ in way.got] == ["high", "medium", "low"]


def test_a_message_of_no_use_any_more_ends_without_a_word():
    way = Way(Sent())
    _, heard = worked(way, wanted_of(), until=all_over(1), heard=Heard(no_use=""))
    assert (heard.milestones, way.got) == ([], [])


def test_a_recipient_who_is_gone_says_nothing_of_the_channel():
    way = Way(Refused(Why.GONE, "answered 410"))
    messages = [wanted_of(f"d{number}") for number in range(20)]
    line, heard = worked(way, *messages, until=all_over(20))
    assert line.breaker.state == "closed"
    assert heard.lost


def test_more_messages_than_may_wait_are_given_up_and_not_forgotten():
    async def run():
        heard = Heard()
        line = Line("way", Way(Sent()), Options(), heard, ChannelMetrics())
        for number in range(WAITING_MAX + 5):
            line.add(wanted_of(f"d{number}"), time.monotonic())
        return heard

    heard = asyncio.run(run())
    assert [milestone for _, milestone, _ in heard.milestones] == ["expired"] * 5


def test_an_open_alarm_is_renewed_without_a_trace_until_it_is_forgotten():
    async def run():
        heard, way = Heard(), Way(Sent(), renew_s=0.05)
        line = Line("way", way, Options(), heard, ChannelMetrics())
        task = asyncio.create_task(line.run())
        line.renew(wanted_of(), time.monotonic())
        async with asyncio.timeout(10):
            while len(way.got) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        line.forget("d1")
        await asyncio.sleep(0)
        count = len(way.got)
        line.add(wanted_of("d2"), time.monotonic())
        async with asyncio.timeout(5):
            while not heard.over:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        task.cancel()
        return heard, [name for name, _ in way.got[count:]]

    heard, after = asyncio.run(run())
    assert {name for name, _, _ in heard.milestones} == {"d2"}
    assert after.count("d1") <= 1  # one that was already under way
