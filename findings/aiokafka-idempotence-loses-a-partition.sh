#!/usr/bin/env bash
# aiokafka with idempotence: after one record that the broker refuses, none of its partition is ever acknowledged again.
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
message.max.bytes=100000
PROPERTIES
java -cp 'lib/*' kafka.tools.StorageTool format --cluster-id AAAAAAAAAAAAAAAAAAAAAA --config server.properties > format.log 2>&1
java -Xmx256m -cp 'lib/*' kafka.Kafka server.properties > kafka.log 2>&1 &
kafka=$!
cat > send.py <<'PYTHON'
import asyncio
import logging
import sys
import time
from collections import Counter
from importlib.metadata import version

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

logging.disable()
BROKER, START_S, LATER = sys.argv[1], 60, 20


async def started(idempotence):
    until_s = time.monotonic() + START_S
    while True:
        producer = AIOKafkaProducer(bootstrap_servers=BROKER, acks="all", enable_idempotence=idempotence)
        try:
            await producer.start()
            return producer
        except KafkaError:
            await producer.stop()
            if time.monotonic() > until_s:
                raise
            await asyncio.sleep(0.5)


async def sent(producer, value, partition):
    try:
        await producer.send_and_wait("topic", value, partition=partition)
        return "acknowledged"
    except KafkaError as error:
        return type(error).__name__


async def main():
    seen = {}
    for idempotence in (True, False):
        producer = await started(idempotence)
        assert await sent(producer, b"small", 0) == "acknowledged"
        refused = await sent(producer, b"x" * 200_000, 0)
        assert refused == "MessageSizeTooLargeError"
        seen[idempotence] = [Counter([await sent(producer, b"small", part) for _ in range(LATER)]) for part in (0, 1)]
        await producer.stop()
    print(f"aiokafka {version('aiokafka')}, Kafka 4.3.1: a record that is too large for the topic, then {LATER} small ones")
    print("expected: those are acknowledged, with enable_idempotence and without")
    for idempotence, (same, other) in seen.items():
        print(f"seen with enable_idempotence={idempotence}: in its partition {dict(same)}; in another {dict(other)}")
    assert seen[True] == [{"OutOfOrderSequenceNumber": LATER}, {"acknowledged": LATER}]
    assert seen[False] == [{"acknowledged": LATER}] * 2


asyncio.run(main())
PYTHON
venv/bin/python send.py "127.0.0.1:$port"
