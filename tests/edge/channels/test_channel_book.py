"""What is to be sent, from the log alone: of any log, cut anywhere, nothing untold is forgotten."""

from alert_of import alert_of
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.channels.book import ALERT_WAIT_MS, Book
from streams.contracts.deliveries import Delivery

TOTAL_S = 90.0


def milestone(name="queued", delivery="d1", alert="e1-0", episode="e1", **said):
    usual = {"patient": "bed-1", "ward": "3", "rule": "spo2-low", "priority": "medium", "step": 1}
    usual |= {"recipient": "n1", "channel": "push", "at_ts_ms": 1_000}
    return Delivery(id=delivery, alert=alert, episode=episode, milestone=name, **usual | said)


class Log:
    """A log being written, and a book that reads it."""

    def __init__(self):
        self.records = []
        self.book = Book(0, TOTAL_S)

    def alert(self, number=0, at_ms=1_000, **said):
        found = alert_of(id=f"e1-{number}", **said)
        self.records.append((found, at_ms))
        self.book.take_alert(found, len(self.records) - 1, at_ms)

    def delivery(self, name="queued", at_ms=1_000, **said):
        found = milestone(name, at_ts_ms=at_ms, **said)
        self.records.append((found, at_ms))
        self.book.take_delivery(found, len(self.records) - 1, at_ms)

    def end(self, number=9, at_ms=5_000):
        self.alert(number, at_ms, phase="end", state="inactive")

    def restarted(self, now_ms):
        """Return what a book that begins where this one says gives to be sent."""
        deliveries, alerts = self.book.low_water(now_ms)
        fresh = Book(0, TOTAL_S)
        for offset, (record, at_ms) in enumerate(self.records):
            if isinstance(record, Delivery):
                if offset >= deliveries:
                    fresh.take_delivery(record, offset, at_ms)
            elif offset >= alerts:
                fresh.take_alert(record, offset, at_ms)
        return events(fresh, now_ms)


def events(book, now_ms=2_000):
    return [(one.page.id, one.page.event) for one in book.due(now_ms)]


def test_what_is_queued_is_to_be_sent_once_with_its_alerts_words():
    log = Log()
    log.alert()
    log.delivery()
    (wanted,) = log.book.due(2_000)
    assert (wanted.page.id, wanted.page.event, wanted.page.recipient) == ("d1", "start", "n1")
    assert wanted.page.alert.reason == "oxygen saturation 84 %, below 90 for 15 s"
    assert events(log.book) == []


def test_a_message_waits_for_its_alert_for_a_moment_and_then_goes_without_its_words():
    log = Log()
    log.delivery(at_ms=1_000)
    assert events(log.book, 1_000 + ALERT_WAIT_MS - 1) == []
    (wanted,) = log.book.due(1_000 + ALERT_WAIT_MS)
    assert "look at the board" in wanted.page.alert.reason
    log = Log()
    log.delivery()
    log.alert()
    assert events(log.book, 1_001) == [("d1", "start")]


def test_a_restart_sends_again_what_nobody_has_taken_under_the_same_id():
    log = Log()
    log.alert()
    log.delivery()
    log.delivery("sent", attempt=1)
    log.delivery("failed", attempt=1)
    assert log.restarted(3_000) == [("d1", "start")]


def test_a_restart_sends_nothing_again_that_was_taken_or_has_its_end():
    for last in ("taken", "delivered", "shown", "accepted", "rejected", "undefined", "expired"):
        log = Log()
        log.alert()
        log.delivery()
        log.delivery(last)
        assert log.restarted(3_000) == [], last


def test_the_end_of_an_alarm_that_was_told_follows_also_after_a_restart():
    log = Log()
    log.alert()
    log.delivery()
    log.delivery("taken")
    assert events(log.book) == []
    log.end(at_ms=5_000)
    assert events(log.book, 5_001) == [("d1.9", "end")]
    assert log.restarted(6_000) == [("d1.9", "end")]
    log.delivery("taken", alert="e1-9", at_ms=6_000)
    assert log.restarted(7_000) == []


def test_an_end_that_came_before_what_was_queued_was_read_is_told_too():
    log = Log()
    log.alert()
    log.end()
    log.delivery()
    assert events(log.book, 6_000) == [("d1", "start"), ("d1.9", "end")]


def test_who_acknowledged_and_a_new_priority_are_told_and_a_mere_continuation_is_not():
    log = Log()
    log.alert()
    log.delivery()
    log.alert(1, phase="escalate", priority="high")
    log.alert(2, phase="update", acknowledged_by="n2")
    log.alert(3, phase="continue")
    assert events(log.book) == [("d1", "start"), ("d1.1", "update"), ("d1.2", "acknowledge")]


def test_an_alert_that_is_written_twice_is_told_once():
    log = Log()
    log.alert()
    log.delivery()
    log.end()
    log.end()
    log.delivery()
    assert events(log.book, 6_000) == [("d1", "start"), ("d1.9", "end")]


def test_an_open_alarm_that_was_told_is_renewed_after_a_restart_and_an_ended_one_is_not():
    log = Log()
    log.alert()
    log.delivery()
    log.delivery("taken")
    assert [one.page.id for one in log.book.open_pages()] == ["d1"]
    log.end()
    assert list(log.book.open_pages()) == []


def test_the_place_to_begin_moves_on_once_all_is_told():
    log = Log()
    log.alert()
    log.delivery()
    log.delivery("taken")
    assert log.book.low_water(2_000_000)[0] == 1
    log.end(at_ms=2_005_000)
    list(log.book.due(2_005_001))
    log.delivery("taken", alert="e1-9", at_ms=2_006_000)
    assert log.book.low_water(2_007_000)[0] == len(log.records)


def test_what_is_queued_again_by_who_decides_after_a_restart_is_not_sent_again():
    log = Log()
    log.alert()
    log.delivery()
    log.delivery("expired")
    log.book.low_water(60_000)
    log.delivery(at_ms=60_000)
    assert events(log.book, 61_000) == []
    assert log.restarted(61_000) == []


def test_a_partition_of_which_nothing_was_read_moves_no_place_back():
    assert Book(0, TOTAL_S, (5_000, 70)).low_water(1_000) == (5_000, 70)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["queued", "sent", "failed", "taken", "expired", "undefined", "end"]),
        st.integers(1, 4),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(STEPS, st.integers(0, 40))
def test_wherever_a_log_is_cut_what_is_untold_then_is_sent_by_who_goes_on(steps, cut):
    """Compared with a plain look at the whole log."""
    log, queued, done = Log(), [], set()
    for count, (what, number) in enumerate(steps):
        delivery, episode = f"d{number}", f"e{number}"
        if what == "end":
            record = alert_of(id=f"{episode}-9", episode=episode, phase="end", state="inactive")
            log.records.append((record, 1_000))
            log.book.take_alert(record, len(log.records) - 1, 1_000)
        else:
            if what == "queued" and delivery not in queued:
                queued.append(delivery)
            elif what in ("taken", "expired", "undefined") and delivery in queued:
                done.add(delivery)
            log.delivery(what, delivery=delivery, alert=f"{episode}-0", episode=episode)
        if count == cut:
            list(log.book.due(4_000))
            log.book.low_water(4_000)
    expected = sorted(set(queued) - done)
    found = sorted(name for name, event in log.restarted(4_000) if event == "start")
    assert found == expected
