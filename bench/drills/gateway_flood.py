"""A flood at a gateway: clients offer ten times what Kafka takes from it, while others' frames go straight to Kafka."""

import json
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Final

from bench.drills.gateways import Gateway, start_gateways
from bench.drills.shapes import TROUBLE_FROM
from bench.drills.stage import Stage
from bench.drills.supervision import keep_running
from bench.gateway.driver import ANSWER_S_MAX, Outcome
from bench.gateway.frames import Load, request_of
from bench.gateway.read_back import read_back
from bench.process_time import rss_bytes_of
from edge.brokers.jars import find_java, jars
from edge.brokers.tether import spawn, stop
from edge.gateway.link import CLIENT_ID
from edge.workers import worker_environment
from streams.contracts.topics import READINGS
from streams.errors import VigilError

FLOOD_PATIENTS: Final = "g"
"""How the names of those begin whose frames are the flood."""

TIMES: Final = 10
"""How many times as much is offered as Kafka takes."""

WARM_S: Final = 4.0
WARM_HZ: Final = 10.0
FLOOD_SHARE: Final = 0.3
"""Of the drill's time; what is left over is offered for at most half a minute more."""

MEMORY_BYTES_MAX: Final = 64 * 1024 * 1024
FLOWS_S_MAX: Final = 15.0
END_S_MAX: Final = 15.0
TOOL_S_MAX: Final = 60.0


def _load(port: int, rate_hz: float, seconds: float, boot: int) -> Load:
    """Return what is offered: 200 frames a request over 200 connections, more than may be under way."""
    return Load(port, 200, 20, rate_hz, seconds, boot, depth=10)


def flood(stage: Stage, rate_hz: float = 100.0) -> None:
    """Offer `rate_hz` requests a second, of 200 frames each, to one gateway."""
    (gateway,) = start_gateways(stage.settings, stage.folder, 1, stage.sabotage)
    port = gateway.settings.gateway_http_port
    warm, load = _load(port, WARM_HZ, WARM_S, 1), _load(port, rate_hz, FLOOD_SHARE * stage.seconds, 2)
    outcomes = [_drive(stage, gateway, warm)[0]]
    before_bytes = rss_bytes_of(gateway.pid)
    request_bytes = len(request_of(load, 0, 0, time.time_ns() // 1_000_000))
    limit_bytes_s(stage.settings.brokers, CLIENT_ID, rate_hz * request_bytes / TIMES)
    stage.sleep_until(TROUBLE_FROM)
    with stage.fault(f"{rate_hz:g} requests a second are offered, {TIMES} times what Kafka takes"):
        outcome, most_bytes = _drive(stage, gateway, load)
        outcomes.append(outcome)
    flows_s = gateway.wait_takes(FLOWS_S_MAX)
    offered = outcome.requests() + outcome.turned_away + outcome.failed
    stage.facts["flood"] = {
        "requests_offered": offered,
        "acknowledged": outcome.requests(),
        "turned_away": outcome.turned_away,
        "failed": outcome.failed,
        "seconds": round(outcome.seconds, 1),
        "memory_grew_bytes": most_bytes - before_bytes,
        "takes_again_after_s": flows_s,
    }
    _judge(stage, outcome, most_bytes - before_bytes, flows_s)
    _compare(stage, (warm, load), outcomes)
    stage.say(f"flood: {stage.facts['flood']}")
    if code := gateway.terminate():
        stage.broken.append(f"the gateway ended with {code}, not 0, when told to stop: {gateway.said()}")
    keep_running(stage, stage.left_s)


def _drive(stage: Stage, gateway: Gateway, load: Load) -> tuple[Outcome, int]:
    """Post a load; return what became of it and the most memory that the gateway had meanwhile."""
    log = stage.folder / "flood.json"
    command = [sys.executable, "-P", "-m", "bench.gateway.driver", json.dumps(asdict(load))]
    with log.open("wb") as output:
        process = spawn(command, output, worker_environment(stage.settings))
    most_bytes = 0

    def ended() -> bool:
        nonlocal most_bytes
        most_bytes = max(most_bytes, rss_bytes_of(gateway.pid))
        return process.poll() is not None

    try:
        if not keep_running(stage, load.seconds + ANSWER_S_MAX + END_S_MAX, ended) or process.returncode:
            raise VigilError(f"the flood did not come to its end: {log.read_text()[-500:]}")
    finally:
        stop(process, 0.0)
    return Outcome(**json.loads(log.read_text())), most_bytes


def _judge(stage: Stage, outcome: Outcome, grew_bytes: int, flows_s: float | None) -> None:
    if not outcome.turned_away:
        stage.broken.append("nobody was turned away: nothing was tested")
    if outcome.turned_away_blindly:
        stage.broken.append(f"{outcome.turned_away_blindly} were turned away without Retry-After")
    if outcome.failed:
        stage.broken.append(f"{outcome.failed} requests had neither 202, 429 nor 503 for an answer")
    if grew_bytes > MEMORY_BYTES_MAX:
        stage.broken.append(f"the gateway's memory grew by {grew_bytes >> 20} MiB")
    if flows_s is None:
        stage.broken.append(f"the gateway takes nothing {FLOWS_S_MAX:g} s after the flood")


def _compare(stage: Stage, loads: tuple[Load, ...], outcomes: list[Outcome]) -> None:
    """Everything acknowledged is in the topic, in each device's order."""
    settings = stage.settings
    missing = out_of_order = 0
    for load, outcome in zip(loads, outcomes, strict=True):
        acknowledged = [load.numbers(requests) for requests in outcome.acknowledged]
        found = read_back(settings.brokers, settings.topic(READINGS), load.boot, acknowledged, load.frames)
        missing, out_of_order = missing + found.missing, out_of_order + found.out_of_order
    stage.facts["flood_frames"] = {"missing": missing, "out_of_order": out_of_order}
    if missing or out_of_order:
        stage.broken.append(f"frames of the flood missing: {missing}, out of order: {out_of_order}")


def limit_bytes_s(brokers: str, client_id: str, bytes_s: float) -> None:
    """Have the brokers take at most so many bytes a second from a client, by Kafka's own tool: Python's have none.

    Raises:
        VigilError: they do not want to, or Java is missing.
    """
    tool = [find_java(), "-cp", f"{jars()}/*", "kafka.admin.ConfigCommand", "--bootstrap-server", brokers]
    what = ["--alter", "--entity-type", "clients", "--entity-name", client_id]
    limit = ["--add-config", f"producer_byte_rate={bytes_s:.0f}"]
    done = subprocess.run([*tool, *what, *limit], capture_output=True, text=True, timeout=TOOL_S_MAX)
    if done.returncode != 0:
        raise VigilError(f"the broker does not limit {client_id}: {done.stderr[-300:]}")
