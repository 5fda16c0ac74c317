#!/usr/bin/env bash
# aiokafka: asking a broker for offsets takes as long as its consumer lets a fetch wait, when no records come.
set -euo pipefail
folder=$(mktemp -d)
kafka=""
trap 'if [ -n "$kafka" ]; then kill -9 "$kafka"; wait "$kafka" 2> log || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiokafka==0.14.0
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>x</groupId><artifactId>x</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.3.1</version></dependency>
  </dependencies>
</project>
XML
mvn --batch-mode --quiet dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=lib
read -r port controller < <(python3 -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in held))')
cat > server.properties <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$folder/data
num.partitions=2
offsets.topic.replication.factor=1
PROPERTIES
java -cp 'lib/*' kafka.tools.StorageTool format --cluster-id AAAAAAAAAAAAAAAAAAAAAA --config server.properties > format.log 2>&1
java -Xmx256m -cp 'lib/*' kafka.Kafka server.properties > kafka.log 2>&1 &
kafka=$!
cat > ask.py <<'PYTHON'
import asyncio
import logging
import statistics
import sys
import time
from importlib.metadata import version

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

logging.disable()
BROKER, START_S, TIMES = sys.argv[1], 60, 9
PARTITION = TopicPartition("topic", 0)


async def topic_is_there():
    until_s = time.monotonic() + START_S
    while True:
        producer = AIOKafkaProducer(bootstrap_servers=BROKER, acks="all")
        try:
            await producer.start()
            await producer.send_and_wait(PARTITION.topic, b"record", partition=PARTITION.partition)
            return
        except KafkaError:
            if time.monotonic() > until_s:
                raise
            await asyncio.sleep(0.5)
        finally:
            await producer.stop()


async def median_ms(ask):
    took = []
    for _ in range(TIMES):
        await asyncio.sleep(0.3)  # at another moment of a fetch each time
        since_s = time.monotonic()
        await ask()
        took.append(1000 * (time.monotonic() - since_s))
    return round(statistics.median(took))


async def measured(wait_ms):
    consumer = AIOKafkaConsumer(bootstrap_servers=BROKER, group_id=f"g{wait_ms}", fetch_max_wait_ms=wait_ms)
    await consumer.start()
    try:
        consumer.assign([PARTITION])
        await consumer.seek_to_end(PARTITION)
        reading = asyncio.create_task(consumer.getone())
        await asyncio.sleep(1)  # its first fetch is on its way
        ends = await median_ms(lambda: consumer.end_offsets([PARTITION]))
        committed = await median_ms(lambda: consumer.committed(PARTITION))
        reading.cancel()
        return ends, committed
    finally:
        await consumer.stop()


async def main():
    await topic_is_there()
    long, short = await measured(3000), await measured(20)
    print(f"aiokafka {version('aiokafka')}, Kafka 4.3.1: a consumer that has read all, and asks for the end of its partition")
    print("expected: milliseconds, whatever fetch_max_wait_ms is, which says how long fetches may wait")
    for wait_ms, (ends, committed) in ((3000, long), (20, short)):
        print(f"seen with fetch_max_wait_ms={wait_ms}: end_offsets {ends} ms, committed {committed} ms (medians)")
    assert long[0] > 1000, long
    assert max(short[0], short[1], long[1]) < 500, (long, short)


asyncio.run(main())
PYTHON
venv/bin/python ask.py "127.0.0.1:$port"
