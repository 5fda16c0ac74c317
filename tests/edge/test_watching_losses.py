"""Alerts of lost monitoring are kept until they are written: all of them, in order, none sent twice at once."""

from hypothesis import given
from hypothesis import strategies as st

from edge.watching.monitoring_losses import UNWRITTEN_MAX, Losses
from edge.watching.writer import Writer
from streams.contracts.alert import Alert


class Sent:
    """A future of kafka-python as far as the writer looks at it."""

    def __init__(self, alert):
        self.alert, self.is_done, self.arrived = alert, False, False

    def succeeded(self):
        return self.is_done and self.arrived

    def settle(self, arrived):
        self.is_done, self.arrived = True, arrived


class Broker:
    """Takes records, and settles those under way as it is told; `log` is what arrived."""

    last_error = ""

    def __init__(self):
        self.under_way, self.log, self.has_room = [], [], True

    def send(self, key, value, partition):
        if not self.has_room:
            return None
        sent = Sent(Alert.model_validate_json(value))
        assert key == f"~partition/{partition}".encode()
        assert sent.alert.id not in [one.alert.id for one in self.under_way], "sent again while under way"
        self.under_way.append(sent)
        return sent

    def settle(self, arrived=True):
        for sent in self.under_way:
            sent.settle(arrived)
            if arrived:
                self.log.append(sent.alert)
        self.under_way.clear()

    def told(self):
        return [(alert.patient[-1], alert.phase, alert.onset_ts_ms) for alert in self.log]


def a_watch():
    losses, broker = Losses(), Broker()
    return losses, broker, Writer(losses, broker)


def test_what_could_not_be_written_in_an_outage_is_written_after_it_the_start_before_the_end():
    losses, broker, writer = a_watch()
    losses.begin(0, "no heartbeat for 10 s", 1_000)
    losses.begin(1, "no heartbeat for 10 s", 1_000)
    for _ in range(3):
        writer.turn()
        broker.settle(arrived=False)
    losses.end(0, 200_000)
    losses.begin(0, "again", 210_000)
    assert losses.unwritten == 4
    while losses.unwritten:
        writer.turn()
        broker.settle()
        writer.turn()
    assert broker.told() == [
        ("0", "start", 1_000),
        ("1", "start", 1_000),
        ("0", "end", 1_000),
        ("0", "start", 210_000),
    ]
    assert broker.log[0].episode == broker.log[2].episode != broker.log[3].episode
    assert losses.lost == {0, 1}


def test_a_record_that_may_still_be_under_way_is_never_sent_again():
    losses, broker, writer = a_watch()
    losses.begin(0, "silent", 1_000)
    for _ in range(100):
        writer.turn()
    assert len(broker.under_way) == 1


def test_a_broker_that_takes_nothing_keeps_nobody_waiting_and_loses_nothing():
    losses, broker, writer = a_watch()
    broker.has_room = False
    losses.begin(0, "silent", 1_000)
    writer.turn()
    assert (losses.unwritten, broker.under_way) == (1, [])


def test_what_is_unwritten_is_bounded_and_the_oldest_start_is_kept_at_limit():
    losses, broker, writer = a_watch()
    for number in range(UNWRITTEN_MAX + 5):
        losses.begin(0, "silent", number * 100)
        assert losses.lost == {0}
        losses.end(0, number * 100 + 50)
    assert losses.joined == 5
    assert losses.unwritten == 2 * UNWRITTEN_MAX
    while losses.unwritten:
        writer.turn()
        broker.settle()
        writer.turn()
    assert broker.log[0].onset_ts_ms == 0
    last = broker.log[-1]
    assert (last.onset_ts_ms, last.event_ts_ms) == (
        (UNWRITTEN_MAX - 1) * 100,
        (UNWRITTEN_MAX + 4) * 100 + 50,
    )


STEPS = st.lists(st.sampled_from(["lose 0", "lose 1", "turn", "arrive", "fail"]), max_size=80)


@given(STEPS)
def test_every_loss_and_its_end_is_in_the_topic_once_the_broker_is_back(steps):
    losses, broker, writer = a_watch()
    for at_ms, step in enumerate(steps):
        if step.startswith("lose"):
            partition = int(step[-1])
            if partition in losses.lost:
                losses.end(partition, at_ms)
            else:
                losses.begin(partition, "silent", at_ms)
        elif step == "turn":
            writer.turn()
        else:
            broker.settle(arrived=step == "arrive")
    while losses.unwritten:
        writer.turn()
        broker.settle()
        writer.turn()
    for partition in "01":
        phases = [phase for number, phase, _ in broker.told() if number == partition]
        wanted = steps.count(f"lose {partition}")
        assert phases == [("start", "end")[number % 2] for number in range(wanted)]


def test_what_is_left_at_the_end_is_said(capsys, monkeypatch):
    monkeypatch.setattr("edge.watching.writer.LAST_S_MAX", 0.0)
    losses, broker, writer = a_watch()
    broker.last_error = "KafkaTimeoutError"
    with writer:
        losses.begin(0, "silent", 1_000)
    said = "vigil: alerts of lost monitoring that were not written: 1 (KafkaTimeoutError)\n"
    assert capsys.readouterr().err == said
