#!/usr/bin/env bash
# kafka-python: a subscription made while the client asks about other topics is not asked about for five minutes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check kafka-python==3.0.12
cat > subscribe.py <<'PYTHON'
from importlib.metadata import version

from kafka.cluster import ClusterMetadata
from kafka.protocol.metadata import MetadataResponse

ANSWERED = 9  # version of the question and its answer


def answer(topics):
    row = MetadataResponse.MetadataResponseTopic
    partition = row.MetadataResponsePartition(error_code=0, partition_index=0, leader_id=1)
    said = MetadataResponse(
        brokers=[MetadataResponse.MetadataResponseBroker(node_id=1, host="127.0.0.1", port=9092)],
        topics=[row(error_code=0, name=topic, partitions=[partition]) for topic in topics],
    )
    return MetadataResponse.decode(said.encode(version=ANSWERED), version=ANSWERED)


def subscribed(before_the_answer):
    """Return what is known of the second topic, whether it will be asked for, and the wait, after one answer."""
    client = ClusterMetadata()
    client.set_topics(["wards"])
    asked = [topic.name for topic in client.metadata_request().topics]
    if before_the_answer:
        client.set_topics(["alerts"])
        client.update_metadata(answer(asked))
    else:
        client.update_metadata(answer(asked))
        client.set_topics(["alerts"])
    return client.partitions_for_topic("alerts"), client.need_update, round(client.ttl() / 1000)


after, during = subscribed(before_the_answer=False), subscribed(before_the_answer=True)
print(f"kafka-python {version('kafka-python')}: topics are set, and the question about others is still on its way")
print("expected: its answer says nothing of the new ones, so they are asked about at once, as when it had come before")
print(f"seen, set after the answer: known {after[0]}, to be asked {after[1]}, in {after[2]} s")
print(f"seen, set before it:        known {during[0]}, to be asked {during[1]}, in {during[2]} s")
print("a consumer that leads its group then gives out no partition of them, with a warning, until that time")
assert after[1] and after[2] == 0, after
assert during == (None, False, 300), during
PYTHON
venv/bin/python subscribe.py
