"""Readings of Vital Recorder a second of the gateway's core, by way of its spool into Kafka.

One client sends payloads of the newer form (HL7 of ten beds, seven numbers each, packed by gzip) as fast as the gateway
takes them. What counts is the gateway's own processor time; every bed of every payload must be in the topic.
"""

import asyncio
import gzip
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from typing import Final

import aiohttp
import socketio

from bench.gateway import one_gateway
from bench.gateway.read_back import Verdict, found_in, judge
from bench.process_time import cpu_s_of
from edge.brokers.embedded import free_port
from edge.gateway.numbering import BOOT, PER_MS
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.kafka.admin import apply_topics

NAME: Final = "vital_recorder"
BEDS: Final = 10
TOGETHER: Final = 20
"""Payloads that are sent before the gateway's answer to one that it refuses says that it has them all."""

WARM_S: Final = 3.0
TAKEN_S_MAX: Final = 30.0
_TRACKS: Final = (  # of a template: a % is two
    ("ECG_HR", "72", "/min"),
    ("PLETH_HR", "71", "/min"),
    ("PLETH_SPO2", "97", "%%"),
    ("RESP_RR", "15", "/min"),
    ("IABP_SBP", "120", "mmHg"),
    ("IABP_DBP", "80", "mmHg"),
    ("IABP_MBP", "93", "mmHg"),
)


@lru_cache(maxsize=1)
def _template(run: int) -> str:
    """Return a payload but for its time and number."""
    rows = "".join(
        f"OBX|{place}|NM|{kind}^Solar8000/{kind}||{value}|{unit}|||||R\r"
        for place, (kind, value, unit) in enumerate(_TRACKS, 1)
    )
    return "".join(
        f"MSH|^~\\&|VitalRecorder|BENCH|||%(at)s||ORU^R01|%(number)s|P|2.6\rPID|||\rPV1||I|g{bed}-{run}\r"
        f"OBR|1|||VITAL_SIGNS|||%(at)s|%(at)s\r{rows}"
        for bed in range(BEDS)
    )


def payload_of(run: int, number: int) -> bytes:
    """Return the payload of a run's `number`-th second."""
    at = time.strftime("%Y%m%d%H%M%S", time.gmtime(run + number))
    return gzip.compress((_template(run) % {"at": at, "number": number}).encode(), 1)


async def _send(port: int, run: int, seconds: float) -> int:
    """Send for so long; return how many payloads the gateway has."""
    refused = asyncio.Event()
    async with aiohttp.ClientSession() as session:
        client = socketio.AsyncClient(reconnection=False, http_session=session)
        client.on("refused", lambda _: refused.set())
        await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"])
        await client.emit("join_vr", "BENCH")
        until_s, sent = time.monotonic() + seconds, 0
        while time.monotonic() < until_s:
            for _ in range(TOGETHER):
                await client.emit("send_data", payload_of(run, sent))
                sent += 1
            refused.clear()
            await client.emit("send_data", "refused once all before it are taken")
            async with asyncio.timeout(TAKEN_S_MAX):
                await refused.wait()
        await client.disconnect()
    return sent


def measure(brokers: str, prefix: str, seconds: float) -> int:
    """Measure, print, and return 1 where something is lost."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            brokers=brokers,
            topic_prefix=prefix,
            data_dir=Path(folder),
            gateway_vital_recorder_port=free_port(),
            gateway_metrics_port=free_port(),
            gateway_client_share=1.0,
        )
        apply_topics(settings)
        with one_gateway.running(settings, NAME, clients=0) as pid:
            run = int(time.time())
            _run(settings, pid, run, WARM_S)
            taken_s, payloads = _run(settings, pid, run + 1, seconds)
    print(
        f"vital-recorder: {BEDS * payloads / taken_s:,.0f} frames/s per core, in payloads of {BEDS} beds with "
        f"{len(_TRACKS)} numbers each; {BEDS * payloads / seconds:,.0f} frames/s here"
    )
    verdict = _verdict(settings, run + 1, payloads)
    lost = verdict.missing + verdict.out_of_order
    print(f"vital-recorder: not there or out of order {lost}; came twice {verdict.again}")
    return int(lost > 0)


def _run(settings: Settings, pid: int, run: int, seconds: float) -> tuple[float, int]:
    """Send, and wait until Kafka has all; return the gateway's processor time, s, and how many payloads."""
    before, cpu_s = one_gateway.accepted(settings, NAME), cpu_s_of(pid)
    payloads = asyncio.run(_send(settings.gateway_vital_recorder_port, run, seconds))
    one_gateway.wait(lambda: one_gateway.accepted(settings, NAME) >= before + BEDS * payloads, NAME)
    return cpu_s_of(pid) - cpu_s, payloads


def _verdict(settings: Settings, run: int, payloads: int) -> Verdict:
    found = asyncio.run(found_in(settings.brokers, settings.topic(READINGS), BOOT))
    numbers = {
        (bed, 0): [seq // PER_MS // 1000 - run for seq in seqs]
        for (bed, name), seqs in found.items()
        if name == run
    }
    return judge(numbers, [list(range(payloads))] * BEDS, 1)
