"""Settings of a test with topics and a group that no other test has."""

import uuid

from streams.config.settings import Settings
from streams.kafka.admin import apply_topics


def own_settings(kafka, folder, partitions, **changes):
    """Return them, with the topics made; `changes` are settings of the test's own."""
    name = uuid.uuid4().hex[:8]
    given = Settings(
        brokers=kafka.bootstrap,
        topic_prefix=f"{name}.",
        group=name,
        partitions=partitions,
        data_dir=folder,
        **changes,
    )
    apply_topics(given)
    return given
