"""A client that has nothing to do in the workers' group: `python stray_member.py BROKERS GROUP TOPIC`, until SIGTERM.

Runs where confluent-kafka is, and nothing of ours. Says JSON lines: what became of it as a classic member with an
assignor of its own, then, as a member of the consumer protocol (KIP-848), that it was refused or which partitions it
was given, and how many records it read of them. It commits nothing.
"""

import json
import sys
import threading
import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException

from edge.told_to_end import Told, told_to_end

POLL_S = 0.2
REFUSED_S_MAX = 10.0


def main() -> int:
    """Try as a classic member, then stay as one of the consumer protocol."""
    brokers, group, topic = sys.argv[1:4]
    common = {"bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False}
    with told_to_end() as told:
        print(json.dumps({"classic": _as_classic(common, topic)}), flush=True)
        print(json.dumps({"records": _as_newer(common, topic, told)}), flush=True)
    return 0


def _as_newer(common: dict[str, Any], topic: str, told: Told) -> int:
    """Be a member of the consumer protocol until told to end; return how many records were read."""
    refused, records = threading.Event(), 0

    def hear(error: KafkaError) -> None:
        if not refused.is_set() and error.code() == KafkaError._FATAL:
            refused.set()
            print(json.dumps({"consumer": "refused", "said": error.str()}), flush=True)

    consumer = Consumer(common | {"group.protocol": "consumer", "error_cb": hear})
    consumer.subscribe([topic], on_assign=_tell, on_revoke=_tell)
    while not told.is_set() and not refused.is_set():
        try:
            record = consumer.poll(POLL_S)
        except KafkaException as error:
            hear(error.args[0])
            continue
        records += record is not None and record.error() is None
        if record is not None and record.error() is not None:
            hear(record.error())
    told.wait()
    consumer.close()
    return records


def _as_classic(common: dict[str, Any], topic: str) -> str:
    refused = threading.Event()

    def hear(error: KafkaError) -> None:
        if error.code() == KafkaError.INCONSISTENT_GROUP_PROTOCOL:
            refused.set()

    consumer = Consumer(common | {"partition.assignment.strategy": "range", "error_cb": hear})
    consumer.subscribe([topic])
    deadline_s = time.monotonic() + REFUSED_S_MAX
    try:
        while time.monotonic() < deadline_s and not refused.is_set() and not consumer.assignment():
            record = consumer.poll(POLL_S)
            if record is not None and record.error() is not None:
                hear(record.error())
        return "refused" if refused.is_set() else "joined" if consumer.assignment() else "ignored"
    except KafkaException as error:
        hear(error.args[0])
        return "refused" if refused.is_set() else str(error)
    finally:
        consumer.close()


def _tell(_: Consumer, partitions: list[Any]) -> None:
    print(json.dumps({"partitions": sorted(one.partition for one in partitions)}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
