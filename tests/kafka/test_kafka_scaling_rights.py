"""`vigil scale` on Apache Kafka with accounts: the broker refuses nothing to those who scale, forward and go over."""

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata
from rights_site import rights_site
from scaled_readings import quiet
from waiting import wait_until

from agents.stragglers import Stragglers
from edge import scaling
from edge.sending import send
from streams.contracts.layout import Phase
from streams.contracts.topics import COMMANDS, READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.group_questions import GroupQuestions
from streams.kafka.hop_ends import are_forwarded, forwarding_group
from streams.kafka.layout_log import laid_out, read_layout
from streams.kafka.producers import ORDERS, Producer
from streams.published.rights_pages import acl_commands

PREFIX, OWN_GROUP = "w.", "ward"
ANSWER_S_MAX = 20.0

pytestmark = pytest.mark.kafka


@pytest.fixture
def site(tmp_path, needs_java, needs_openssl):
    where = {"topic_prefix": PREFIX, "group": OWN_GROUP, "partitions": 1}
    with rights_site(tmp_path, acl_commands(OWN_GROUP, PREFIX), **where) as running:
        apply_topics(running.account("setup"))
        yield running


def test_who_scales_and_who_forwards_and_who_goes_over_need_no_account_but_their_own(site, monkeypatch):
    monkeypatch.setattr(scaling, "QUIET_S", 0.1)
    scale, worker, device = (site.account(part) for part in ("scale", "worker", "device"))
    with GroupQuestions(worker) as groups:
        groups.commit(OWN_GROUP, {TopicPartition(worker.topic(COMMANDS), 0): OffsetAndMetadata(0, "", -1)})
    assert scaling.begin(scale, 2, quiet).phase == Phase.OPEN
    with Producer(device, ORDERS, device.topic(READINGS)) as producer:
        send(producer, "a frame", b"bed-1", b"{}", 0)
    layout = read_layout(worker)
    stragglers = Stragglers(laid_out(worker, layout), layout)
    stragglers.start()
    try:
        for part in ("gateway", "device"):
            own = site.account(part)
            assert are_forwarded(laid_out(own, read_layout(own), writes=True), read_layout(own), ANSWER_S_MAX)
        with GroupQuestions(scale) as groups:
            wait_until(
                lambda: (
                    groups.committed(forwarding_group(scale))[TopicPartition(f"{PREFIX}{READINGS}", 0)].offset
                ),
                "the frame to be forwarded",
                ANSWER_S_MAX,
            )
    finally:
        stragglers.stop()
    assert scaling.finish(scale, quiet).phase == Phase.SETTLED
    assert site.denied() == []
