"""Gateways and the broker behind them are killed under devices that send through them; what the topic must then say."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench.drills.broker_faults import cluster_of
from bench.drills.device_ledger import DeviceLedger
from bench.drills.devices import SETTLE_S_MAX, DevicePlan
from bench.drills.gateway_verdict import compare
from bench.drills.gateways import READY_S_MAX, Gateway, start_gateways
from bench.drills.sdc_devices import SdcDevices
from bench.drills.spool_look import note_spooled
from bench.drills.stage import Stage
from bench.drills.supervision import keep_running
from bench.gateway.mosquitto import mosquitto
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn
from edge.workers import worker_environment
from streams.errors import VigilError

GATEWAYS: Final = 2
KILLS: Final = 50
FLOW_S: Final = (0.5, 2.5)
"""How long the load flows undisturbed before a kill: the moment is chance."""

LINES_FLOW_S: Final = (3.0, 8.0)
"""Likewise where the gateway has to find who sends: an SDC provider within a few seconds."""

AWAY_S_MAX: Final = 3.0
BACK_S_MAX: Final = 10.0
"""A gateway acknowledges again so soon after the broker is back."""

CONNECT_S_MAX: Final = 30.0
WRITE_S_MAX: Final = 10.0
POSTED: Final = ("http", "hl7", "fhir")
SPOOLED: Final = ("vital_recorder", "sdc")


def kill_in_turn(stage: Stage, kills: int = KILLS) -> None:
    """Kill a gateway, the broker, the other gateway, the broker, and so on, each back before the next."""
    gateways = start_gateways(stage.settings, stage.folder, GATEWAYS, stage.sabotage)
    http = [gateway.settings.gateway_http_port for gateway in gateways]
    mllp = [gateway.settings.gateway_mllp_port for gateway in gateways]
    back_s: dict[str, list[float]] = {"gateway": [], "broker": []}
    with devices_sending(stage, DevicePlan({"http": http, "hl7": mllp, "fhir": http})) as ledger:
        for number in range(kills):
            keep_running(stage, stage.rng.uniform(*FLOW_S))
            if number % 2:
                back_s["broker"].append(_kill_broker(stage, gateways))
            else:
                back_s["gateway"].append(_kill_gateway(stage, gateways, number // 2 % GATEWAYS))
        keep_running(stage, FLOW_S[1])
    _end_drill(stage, gateways, kills, back_s)
    compare(stage, ledger, POSTED)
    keep_running(stage, stage.left_s)


def kill_with_lines(stage: Stage, kills: int = KILLS) -> None:
    """Kill one gateway again and again, every second time while there is no broker and its spools fill."""
    port = free_port()
    back_s: dict[str, list[float]] = {"gateway": [], "gateway, no broker": []}
    gaps = dict.fromkeys(SPOOLED, 0.0)
    with mosquitto(port, stage.folder), SdcDevices(stage.folder, stage.settings) as providers:
        gateways = start_gateways(
            stage.settings,
            stage.folder,
            1,
            stage.sabotage,
            gateway_mqtt_host="127.0.0.1",
            gateway_mqtt_port=port,
            gateway_vital_recorder_port=free_port(),
            gateway_sdc_interface="127.0.0.1",
            gateway_sdc_providers=" ".join(providers.eprs),
        )
        (gateway,) = gateways
        recorder_port = gateway.settings.gateway_vital_recorder_port
        for name, clients in (("mqtt", 1), ("sdc", len(providers.eprs))):
            _wait_connected(stage, gateway, name, clients)
        spooled = DeviceLedger()
        with devices_sending(
            stage, DevicePlan({"mqtt": [port], "vital-recorder": [recorder_port]})
        ) as ledger:
            for number in range(kills):
                keep_running(stage, stage.rng.uniform(*LINES_FLOW_S))
                for name in SPOOLED:
                    gaps[name] += gateway.metric("vigil_gateway_gaps_total", name)
                kind = "gateway, no broker" if number % 2 else "gateway"
                back_s[kind].append(_kill_with_spool(stage, gateway, spooled, bool(number % 2)))
            keep_running(stage, LINES_FLOW_S[1])
        providers.stop()
        ledger.add(providers.ledger())
        ledger.add(spooled)
        for name in SPOOLED:
            gaps[name] += gateway.metric("vigil_gateway_gaps_total", name)
        stage.facts["gaps_counted"] = gaps
        compare(stage, ledger, ("mqtt", "vital-recorder", "sdc"), wait_s=SETTLE_S_MAX)
        _end_drill(stage, gateways, kills, back_s)
    keep_running(stage, stage.left_s)


def _end_drill(stage: Stage, gateways: Sequence[Gateway], kills: int, back_s: dict[str, list[float]]) -> None:
    """Note how long kills took, and have the gateways end as they are told to."""
    stage.facts["kills"] = kills
    stage.facts["takes_again_after_s"] = {
        what: {"max": round(max(found), 1), "mean": round(sum(found) / len(found), 1)}
        for what, found in back_s.items()
        if found
    }
    for gateway in gateways:
        if code := gateway.terminate():
            stage.broken.append(f"a gateway ended with {code}, not 0, when told to stop: {gateway.said()}")


def _wait_connected(stage: Stage, gateway: Gateway, name: str, clients: int) -> None:
    """Wait until a gateway is connected to so many."""
    if not keep_running(
        stage, CONNECT_S_MAX, lambda: gateway.metric("vigil_gateway_clients", name) >= clients
    ):
        raise VigilError(f"{name}: the gateway is not connected: {gateway.said()}")


def _kill_with_spool(stage: Stage, gateway: Gateway, spooled: DeviceLedger, no_broker: bool) -> float:
    """Kill the gateway, look into its spools, start it again; return after how long it acknowledges again, s."""
    with contextlib.ExitStack() as at_end:
        if no_broker:
            cluster = cluster_of(stage)
            at_end.enter_context(stage.fault("the broker is killed, and the gateway while it is away"))
            cluster.kill(1)
            keep_running(stage, stage.rng.uniform(1.0, AWAY_S_MAX))
        else:
            at_end.enter_context(stage.fault("the gateway is killed"))
        if not gateway.running:
            stage.broken.append(f"a gateway ended by itself: {gateway.said()}")
        gateway.kill()
        note_spooled(gateway.settings, spooled)
        gateway.start()
        if no_broker:
            cluster.restart(1)
        took_s = gateway.wait_takes(READY_S_MAX)
    if took_s is None:
        raise VigilError(f"a gateway does not come back: {gateway.said()}")
    return took_s


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
def devices_sending(stage: Stage, plan: DevicePlan) -> Iterator[DeviceLedger]:
    """Have devices send while the block lasts; the ledger is filled after it."""
    ledger = DeviceLedger()
    path, log = stage.folder / "devices.json", stage.folder / "devices.log"
    command = [sys.executable, "-P", "-m", "bench.drills.devices", json.dumps(asdict(plan)), str(path)]
    with log.open("wb") as output:
        process = spawn(command, output, worker_environment(stage.settings))
    try:
        yield ledger
        process.terminate()
        _end(process, log)
        ledger.add(DeviceLedger.load(path))
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
