"""Gateways and the broker behind them are killed under devices that send through them; what the topic must then say."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench.drills.broker_faults import cluster_of
from bench.drills.device_ledger import DeviceLedger, Reader
from bench.drills.devices import SETTLE_S_MAX, DevicePlan
from bench.drills.gateways import READY_S_MAX, Gateway, start_gateways
from bench.drills.read_back import read_back
from bench.drills.stage import Stage
from bench.drills.supervision import keep_running
from edge.brokers.tether import spawn
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.errors import VigilError

GATEWAYS: Final = 2
KILLS: Final = 50
FLOW_S: Final = (0.5, 2.5)
"""How long the load flows undisturbed before a kill: the moment is chance."""

AWAY_S_MAX: Final = 3.0
BACK_S_MAX: Final = 10.0
"""A gateway acknowledges again so soon after the broker is back."""

WRITE_S_MAX: Final = 10.0


def kill_in_turn(stage: Stage, kills: int = KILLS) -> None:
    """Kill a gateway, the broker, the other gateway, the broker, and so on, each back before the next."""
    gateways = start_gateways(stage.settings, stage.folder, GATEWAYS, stage.sabotage)
    back_s: dict[str, list[float]] = {"gateway": [], "broker": []}
    with _devices(stage, gateways) as ledger:
        for number in range(kills):
            keep_running(stage, stage.rng.uniform(*FLOW_S))
            if number % 2:
                back_s["broker"].append(_kill_broker(stage, gateways))
            else:
                back_s["gateway"].append(_kill_gateway(stage, gateways, number // 2 % GATEWAYS))
        keep_running(stage, FLOW_S[1])
    stage.facts["kills"] = kills
    stage.facts["takes_again_after_s"] = {
        what: {"max": round(max(found), 1), "mean": round(sum(found) / len(found), 1)}
        for what, found in back_s.items()
        if found
    }
    compare(stage, ledger)
    for gateway in gateways:
        if code := gateway.terminate():
            stage.broken.append(f"a gateway ended with {code}, not 0, when told to stop: {gateway.said()}")
    keep_running(stage, stage.left_s)


def _kill_gateway(stage: Stage, gateways: list[Gateway], place: int) -> float:
    """Kill one and start it again at once; return after how long it acknowledges again, s."""
    gateway = gateways[place]
    with stage.fault(f"gateway {place} is killed"):
        if not gateway.running:
            stage.broken.append(f"a gateway ended by itself: {gateway.said()}")
        gateway.kill()
        gateway.start()
        took_s = gateway.wait_takes(READY_S_MAX)
    if took_s is None:
        raise VigilError(f"a gateway does not come back: {gateway.said()}")
    return took_s


def _kill_broker(stage: Stage, gateways: list[Gateway]) -> float:
    """Kill the broker and start it again; return after how long both gateways acknowledge again, s."""
    cluster = cluster_of(stage)
    with stage.fault("the broker is killed"):
        cluster.kill(1)
        keep_running(stage, stage.rng.uniform(0.0, AWAY_S_MAX))
        cluster.restart(1)
        returned_s = time.monotonic()
        for gateway in gateways:
            if gateway.wait_takes(READY_S_MAX) is None:
                raise VigilError(f"a gateway takes nothing after the broker's return: {gateway.said()}")
        took_s = time.monotonic() - returned_s
    if took_s > BACK_S_MAX:
        stage.broken.append(
            f"no readings for {took_s:.1f} s after the broker's return, at most {BACK_S_MAX:g} s"
        )
    return took_s


@contextlib.contextmanager
def _devices(stage: Stage, gateways: list[Gateway]) -> Iterator[DeviceLedger]:
    """Have devices send while the block lasts; the ledger is filled after it."""
    ledger = DeviceLedger()
    path, log = stage.folder / "devices.json", stage.folder / "devices.log"
    settings = [gateway.settings for gateway in gateways]
    plan = DevicePlan(
        [one.gateway_http_port for one in settings], [one.gateway_mllp_port for one in settings]
    )
    command = [sys.executable, "-P", "-m", "bench.drills.devices", json.dumps(asdict(plan)), str(path)]
    with log.open("wb") as output:
        process = spawn(command, output, worker_environment(stage.settings))
    try:
        yield ledger
        process.terminate()
        _end(process, log)
        found = DeviceLedger.load(path)
        for name in DeviceLedger.__slots__:
            setattr(ledger, name, getattr(found, name))
    finally:
        process.kill()
        process.wait()


def _end(process: "subprocess.Popen[bytes]", log: Path) -> None:
    try:
        code = process.wait(SETTLE_S_MAX + WRITE_S_MAX)
    except subprocess.TimeoutExpired:
        raise VigilError("the devices did not end") from None
    if code != 0:
        raise VigilError(f"the devices ended with {code}: {log.read_text(errors='replace')[-500:]}")


def compare(stage: Stage, ledger: DeviceLedger) -> None:
    """Note what became of the devices' frames, and each promise that broke."""
    reader = Reader()
    settings: Settings = stage.settings
    read_back(settings.brokers, settings.topic(READINGS), settings.partitions, reader.take)
    counts = asdict(reader.judge(ledger))
    sent, acknowledged = ledger.frames
    stage.facts["devices"] = {
        "frames_sent": sent,
        "acknowledged": acknowledged,
        "sent_again": ledger.again,
        "twice_in_topic": reader.repeated,
        "answers": dict(sorted(ledger.answers.items())),
        **counts,
    }
    stage.say(f"devices: {stage.facts['devices']}")
    stage.broken += [
        f"frames of devices {name.replace('_', ' ')}: {count}" for name, count in counts.items() if count
    ]
    if acknowledged < sent:
        stage.broken.append(f"{sent - acknowledged} frames of devices were not taken though all were back")
    wrong = {name: ledger.answers[name] for name in ledger.answers if name not in KNOWN_ANSWERS}
    if wrong:
        stage.broken.append(f"answers that careful devices should never get: {wrong}")
    if not {"202", "AA", "CA"} <= set(ledger.answers):
        stage.broken.append("not every kind of acknowledgement came: nothing was tested")


KNOWN_ANSWERS: Final = frozenset({"202", "429", "503", "AA", "AE", "CA", "CE", "none"})
"""What a gateway that is killed, or has no broker, may make of a frame that is right."""
