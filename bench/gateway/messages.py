"""The PCD-01 messages that the MLLP driver sends, and which of them a record of the topic is.

HL7 has no numbers of readings: the device's name says which connection and run a message is of, its time the number.
"""

import asyncio
import time
from functools import lru_cache
from typing import Final

from bench.gateway.frames import Load
from bench.gateway.read_back import Verdict, found_in, judge
from edge.gateway.hl7.framing import CR, FS, VT
from edge.gateway.numbering import BOOT, PER_MS

OBSERVATIONS: Final = (
    (b"147842^MDC_ECG_HEART_RATE^MDC", b"80", b"264864^MDC_DIM_BEAT_PER_MIN^MDC"),
    (b"149530^MDC_PULS_OXIM_PULS_RATE^MDC", b"80", b"264864^MDC_DIM_BEAT_PER_MIN^MDC"),
    (b"150456^MDC_PULS_OXIM_SAT_O2^MDC", b"97", b"262688^MDC_DIM_PERCENT^MDC"),
    (b"151562^MDC_RESP_RATE^MDC", b"15", b"264928^MDC_DIM_RESP_PER_MIN^MDC"),
    (b"150037^MDC_PRESS_BLD_ART_ABP_SYS^MDC", b"120", b"266016^MDC_DIM_MMHG^MDC"),
    (b"150038^MDC_PRESS_BLD_ART_ABP_DIA^MDC", b"80", b"266016^MDC_DIM_MMHG^MDC"),
    (b"150039^MDC_PRESS_BLD_ART_ABP_MEAN^MDC", b"93", b"266016^MDC_DIM_MMHG^MDC"),
)
_HEAD: Final = (
    b"MSH|^~\\&|CENTRAL|ICU|VIGIL|WARD|%(at)s||ORU^R01^ORU_R01|%(id)d|%(kind)s|2.6|||NE|AL||UNICODE UTF-8|||"
    b"PCD_DEC_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO\r"
    b"PID|||%(device)s^^^HOSP^MR||Doe^Jane^^^^^L\rPV1||E|ICU^2^7\r"
    b"OBR|1|%(id)d^MON|%(id)d^MON|182777000^monitoring of patient^SCT|||%(at)s\r"
)
REAL: Final = b"P"
TRAINING: Final = b"T"
"""The gateway refuses it by its header: what a message takes without its content and without Kafka."""


@lru_cache(maxsize=1_000)
def _template(device: bytes) -> bytes:
    """Return a device's message, but for its time, id and kind."""
    observations = b"".join(
        b"OBX|%d|NM|%s|1.1.1.%d|%s|%s|||||R|||%%(at)s||||%s\r" % (place, code, place, value, unit, device)
        for place, (code, value, unit) in enumerate(OBSERVATIONS, 1)
    )
    return VT + _HEAD.replace(b"%(device)s", device) + observations + FS + CR


def message_of(load: Load, place: int, number: int, kind: bytes = REAL) -> bytes:
    """Return a connection's `number`-th message; no two connections' messages are of one millisecond."""
    at_ms = load.boot * 1000 + number * load.connections + place
    at = b"%s.%03d+0000" % (_second(at_ms // 1000), at_ms % 1000)
    return _template(b"g%d-%d" % (place, load.boot)) % {b"at": at, b"id": number, b"kind": kind}


@lru_cache(maxsize=1_000)
def _second(at_s: int) -> bytes:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(at_s)).encode()


def verdict_of(brokers: str, topic: str, load: Load, acknowledged: list[list[int]]) -> Verdict:
    """Compare the topic with what connections had acknowledged, a message a number."""
    found = asyncio.run(found_in(brokers, topic, BOOT))
    numbers = {
        (place, 0): [number_of(load, place, seq) for seq in seqs]
        for (place, run), seqs in found.items()
        if run == load.boot
    }
    return judge(numbers, acknowledged, 1)


def number_of(load: Load, place: int, seq: int) -> int:
    """Return which message of a connection a frame's `seq` is of."""
    return (seq // PER_MS - load.boot * 1000 - place) // load.connections
