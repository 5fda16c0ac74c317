"""Vital Recorder in a test: what its makers' client sends, and a server on a free port with a spool and a door."""

import asyncio
import contextlib
import functools
import gzip
import json
import subprocess
import time
import warnings
import zlib
from types import SimpleNamespace

import aiohttp
import socketio
from gateway_world import ANYBODY, RecordingDoor
from makers_client import client_command
from prometheus_client import generate_latest

from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.profile import Profile
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.spool import Spool
from edge.gateway.spooled import SpooledDoor
from edge.gateway.vital_recorder.socket_io import VitalParts, VitalRecorderServer

with warnings.catch_warnings():  # what it imports uses what pandas is about to take away
    warnings.simplefilter("ignore")
    from vitalrecorder.server import build_hl7_payload

NOW_S = 1_790_000_000
PATIENTS = Patients(Pseudonyms())
TRACKS = (("Solar8000/HR", 2, 2, "/min", 72.0), ("Solar8000/PLETH_SPO2", 10, 2, "%", 97.0))
DEADLINE_S = 10.0


@contextlib.contextmanager
def makers_client(port, code="WARD3", value=97):
    process = subprocess.Popen(
        client_command(port, code, value), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_S)


def track(name, montype, kind, unit, *values, at_s=NOW_S):
    """Return a track as the package vitaldb holds it, a value a second."""
    recs = [{"dt": at_s + second, "val": value} for second, value in enumerate(values)]
    return SimpleNamespace(
        dtname=name, montype=montype, type=kind, unit=unit, recs=recs, srate=100, mindisp=0, maxdisp=100
    )


def makers_text(*tracks, beds=(1,), seq=1, at_s=NOW_S):
    """Return the HL7 of the makers' client for these beds."""
    tracks = tracks or [track(*one, at_s=at_s) for one in TRACKS]
    held = {"duration": 1e9, "dtstart": at_s, "tracks": {one.dtname: one for one in tracks}}
    return build_hl7_payload(dict.fromkeys(beds, held), at_s, at_s + 10, "WARD3", at_s, [seq - 1])


def makers_payload(*tracks, **how):
    return gzip.compress(makers_text(*tracks, **how).encode(), 1)


def rooms_payload(*rooms):
    return zlib.compress(json.dumps({"vrcode": "WARD3", "rooms": rooms}).encode())


def room(*tracks, name="BED-1", seqid=1):
    trks = [
        {"id": 1, "name": title, "type": kind, "unit": unit, "montype": montype, "recs": records}
        for title, montype, kind, unit, records in tracks
    ]
    return {"seqid": seqid, "roomname": name, "trks": trks}


class World:
    """A server, its door and its metrics."""

    def __init__(self, folder, identify=lambda address, code: (ANYBODY, Profile()), **how):
        self.door, self.metrics = RecordingDoor(), GatewayMetrics()
        counted = self.metrics.protocol("vital_recorder")
        self.spool = Spool(folder, 1 << 20)
        self.spooled = SpooledDoor(self.spool, self.door, lambda name: ANYBODY, counted)
        parts = VitalParts(self.spooled, identify, PATIENTS, counted, lambda: NOW_S * 1000)
        self.server = VitalRecorderServer(parts, **how)

    def count(self, name, **labels):
        found = self.metrics.registry.get_sample_value(
            f"vigil_gateway_{name}", {"protocol": "vital_recorder", **labels}
        )
        return found or 0

    def refused(self, reason):
        return self.count("refused_total", reason=reason)

    def text(self):
        return generate_latest(self.metrics.registry).decode()


@contextlib.asynccontextmanager
async def serving(folder, **how):
    world = World(folder, **how)
    await world.server.start("127.0.0.1", 0)
    try:
        yield world
    finally:
        await world.server.stop()


@contextlib.asynccontextmanager
async def connected(world, code="WARD3"):
    """A client that has joined; `told` is what the server tells it."""
    async with aiohttp.ClientSession() as session:  # a client that is turned away leaves its own unclosed
        client = socketio.AsyncClient(reconnection=False, http_session=session)
        client.told = []
        client.on("refused", lambda said: client.told.append(said["reason"]))
        await client.connect(f"http://127.0.0.1:{world.server.port}", transports=["websocket"])
        if code:
            await client.emit("join_vr", code)
        try:
            yield client
        finally:
            await client.disconnect()


def in_loop(test):
    """Make a test of a coroutine."""

    @functools.wraps(test)
    def run(*args, **named):
        asyncio.run(test(*args, **named))

    return run


async def until(condition, what):
    """Wait for a condition."""
    end_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end_s, f"waited for {what}"
        await asyncio.sleep(0.01)
