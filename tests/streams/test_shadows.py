"""What a shadow may write: its alerts beside everybody's, its state, and nothing else."""

import asyncio

from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, SHADOW_ALERTS, TOPICS
from streams.kafka.admin import changelog_topic
from streams.kafka.shadows import SHADOW_HEADER, ShadowPublisher, group_beside, outlets, shadow_settings

LIVE = Settings(group="ward", topic_prefix="x.")
SHADOW = shadow_settings(LIVE, "0123456789ab")


def published():
    """Publish to every topic there is; return where it went."""
    went = []

    async def arrival():
        return 0

    async def send(topic, key, value, partition, headers):
        went.append((topic, dict(headers).get(SHADOW_HEADER)))
        return arrival()

    async def send_batch(topic, partition, records):
        went.append((topic, None))
        return arrival()

    async def run():
        publisher = ShadowPublisher(send, send_batch, 1.0, outlets(SHADOW), SHADOW.shadow)
        for name in [*(SHADOW.topic(topic.name) for topic in TOPICS), changelog_topic(SHADOW)]:
            await (await publisher.publish(name, b"k", b"v", partition=0))
            await (await publisher.publish_batch(name, 0, [(b"k", b"v")]))
        await publisher.settled()

    asyncio.run(run())
    return went


def test_alerts_go_to_the_shadows_topic_under_its_name_and_all_but_state_goes_nowhere():
    topics = {topic for topic, _ in published()}
    assert topics == {LIVE.topic(SHADOW_ALERTS), changelog_topic(SHADOW)}
    assert {name for topic, name in published() if name and topic == LIVE.topic(SHADOW_ALERTS)} == {
        SHADOW.shadow.encode()
    }


def test_a_shadow_has_a_group_and_a_changelog_of_its_own_and_knows_whose_beside_it_is():
    assert SHADOW.group != LIVE.group
    assert changelog_topic(SHADOW) != changelog_topic(LIVE)
    assert group_beside(SHADOW) == group_beside(LIVE) == "ward"
    assert LIVE.topic(ALERTS) not in outlets(SHADOW).values()
