"""The FHIR bundles that the driver posts, and which of them a record of the topic is.

Every Observation of a bundle is of another device, so that each becomes a frame and a record of its own.
FHIR has no numbers of readings: the device's name says which connection and run it is of, its time the number.
"""

import asyncio
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from bench.gateway.frames import Load
from bench.gateway.read_back import Verdict, found_in, judge
from edge.gateway.numbering import BOOT, PER_MS

DEVICES_MAX: Final = 100
"""Of one bundle: so far apart are the names of two runs."""

_HEAD: Final = (
    b"POST /fhir HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/fhir+json\r\n"
    b"Content-Length: %d\r\n\r\n"
)
_BEGIN: Final = b'{"resourceType":"Bundle","type":"batch","entry":['
_ENTRY: Final = (
    b'{"fullUrl":"urn:uuid:%(device)s","resource":{"resourceType":"Observation",'
    b'"meta":{"profile":["http://hl7.org/fhir/StructureDefinition/vitalsigns"]},"status":"final",'
    b'"identifier":[{"system":"urn:bench","value":"%(device)s-%%(at)s"}],"category":[{"coding":[{"system":'
    b'"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"Vital Signs"}]}],'
    b'"code":{"coding":[{"system":"http://loinc.org","code":"2708-6"},{"system":"http://loinc.org","code":"59408-5"},'
    b'{"system":"urn:iso:std:iso:11073:10101","code":"150456","display":"MDC_PULS_OXIM_SAT_O2"}]},'
    b'"subject":{"identifier":{"system":"urn:hospital","value":"%(device)s"}},"effectiveDateTime":"%%(at)s",'
    b'"valueQuantity":{"value":97,"unit":"%%%%","system":"http://unitsofmeasure.org","code":"%%%%"},'
    b'"device":{"identifier":{"value":"%(device)s"}}},"request":{"method":"POST","url":"Observation"}}'
)


@lru_cache(maxsize=1_000)
def _template(place: int, run: int, frames: int) -> bytes:
    """Return a connection's bundle, but for its time."""
    devices = (b"g%d-%d" % (place, run * DEVICES_MAX + device) for device in range(frames))
    return _BEGIN + b",".join(_ENTRY % {b"device": device} for device in devices) + b"]}"


def bundle_request_of(load: Load, place: int, number: int) -> bytes:
    """Return a connection's `number`-th request."""
    at = datetime.fromtimestamp(load.boot + number / 1000, UTC).isoformat("T", "milliseconds")
    body = _template(place, load.boot, load.frames) % {b"at": at.encode()}
    return _HEAD % len(body) + body


def bundles_verdict_of(brokers: str, topic: str, load: Load, acknowledged: list[list[int]]) -> Verdict:
    """Compare the topic with what connections had acknowledged, a bundle a number."""
    found = asyncio.run(found_in(brokers, topic, BOOT))
    numbers = {
        (place, name % DEVICES_MAX): [seq // PER_MS - load.boot * 1000 for seq in seqs]
        for (place, name), seqs in found.items()
        if name // DEVICES_MAX == load.boot
    }
    return judge(numbers, acknowledged, load.frames)
