"""Nothing but confluent-kafka, librdkafka for Python: batches read and decoded, nothing decided."""

import signal
import threading

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition

from bench.peers.processes import main
from bench.peers.records import decode_marked, encode, marker_alert
from bench.peers.spec import TICK_PREFIX, Spec

BATCH = 10_000
POLL_S = 0.1
FLUSH_S = 5.0


def work(spec: Spec, index: int) -> None:
    """Read every `threads`-th partition, without committing, until SIGTERM."""
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    consumer = Consumer(
        {"bootstrap.servers": spec.brokers, "group.id": spec.group, "enable.auto.commit": False}
    )
    producer = Producer({"bootstrap.servers": spec.brokers, "acks": "all", "linger.ms": 0})
    mine = range(index, spec.partitions, spec.threads)
    consumer.assign([TopicPartition(spec.readings, number, OFFSET_BEGINNING) for number in mine])
    try:
        while not told.is_set():
            for record in consumer.consume(BATCH, POLL_S):
                if record.error() is not None:
                    raise KafkaException(record.error())
                if record.key().startswith(TICK_PREFIX):
                    continue
                alert = marker_alert(decode_marked(record.value()))
                if alert is not None:
                    producer.produce(spec.alerts, key=record.key(), value=encode(alert))
            producer.poll(0)
    finally:
        producer.flush(FLUSH_S)
        consumer.close()


if __name__ == "__main__":
    main(work)
