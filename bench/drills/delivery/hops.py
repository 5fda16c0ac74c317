"""The drill of hops: each hop of a canary's way over a channel is cut in turn, and `vigil watch` has to say which."""

import contextlib
import json
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bench.drills.delivery.plan import alert_number
from bench.drills.delivery.receiver import Receiver
from bench.drills.delivery.run import SENDER, SENDER_READY, Stage
from edge.brokers.cluster import KafkaCluster
from edge.brokers.tether import spawn, stop
from edge.ward_state import CANARY
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.partition_names import canary_name
from streams.contracts.topics import ALERTS
from streams.errors import VigilError
from streams.kafka import producers
from streams.kafka.admin import apply_topics

NAME: Final = "delivery-hops"
CHANNELS: Final = ("answers", "breaks", "forgets")
"""One answers back all the time, one breaks, one stops to answer back."""

TOLD_S_MAX: Final = 150.0
WARM_UP_S: Final = 70.0
"""A canary a minute: each channel has had one by then."""

EVERY_S: Final = 10.0
POLL_S: Final = 0.2


class Canaries:
    """Writes a canary's alert every ten seconds, as a worker does, until `silent` is set."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self.silent, self._end = settings, threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Canaries":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(EVERY_S)

    def _run(self) -> None:
        topic = self._settings.topic(ALERTS)
        with producers.Producer(self._settings, producers.ALERTS, topic) as producer:
            while not self._end.is_set():
                if not self.silent.is_set():
                    now_ms = time.time_ns() // 1_000_000
                    alert = alert_number(0, now_ms).model_copy(
                        update={"rule": CANARY, "patient": canary_name(0), "priority": "low"}
                    )
                    producer.send(alert.patient.encode(), alert.model_dump_json().encode(), 0)
                self._end.wait(EVERY_S)


def run(brokers: str | None = None) -> dict[str, Any]:
    """Cut hop after hop; return how long it took until the watcher said so, s."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vigil-drill-")))
        bootstrap = brokers or stack.enter_context(KafkaCluster(1)).bootstrap
        receiver = stack.enter_context(Receiver(returning=True))
        prefix = f"{NAME}-{uuid.uuid4().hex[:6]}."
        settings = Settings(
            brokers=bootstrap,
            group=prefix,
            topic_prefix=prefix,
            partitions=1,
            session_timeout_s=6.0,
            routing=_write_routing(folder, receiver.port),
            data_dir=folder,
        )
        apply_topics(settings)
        stage = Stage(settings, folder)
        stack.callback(stage.close)
        canaries = stack.enter_context(Canaries(settings))
        sender = stage.start_ready(SENDER_READY, SENDER)
        watcher = stack.enter_context(_watching(settings, folder))
        time.sleep(WARM_UP_S)
        told: dict[str, float] = {}
        receiver.broken |= {"breaks"}
        receiver.forgetful |= {"forgets"}
        _wait(
            watcher, told, {"taken": ("breaks", "takes no canary"), "returned": ("forgets", "does not say")}
        )
        sender.kill()
        sender.wait()
        _wait(watcher, told, {"queued": ("answers", "no canary is queued")})
        receiver.broken.clear()
        stage.start_ready(SENDER_READY, SENDER)
        _wait(watcher, told, {"back": ("answers", "")})
        canaries.silent.set()
        _wait(watcher, told, {"judged": ("answers", "no canary's alert is judged")})
    broken = [f"{hop} was told after {s:.0f} s" for hop, s in told.items() if s > TOLD_S_MAX]
    return {"drill": NAME, "ok": not broken, "broken": broken, "told_s": told}


def lines(found: dict[str, Any]) -> list[str]:
    """Return what was found in lines for a terminal."""
    told = ", ".join(f"{hop} {took_s:g} s" for hop, took_s in found["told_s"].items())
    return [f"drill {NAME}: told after {told}"]


def _write_routing(folder: Path, port: int) -> Path:
    key, path = folder / "key", folder / "routing.toml"
    key.write_text("whsec_" + "A" * 43 + "=\n")
    tables = [
        f'[channels.{name}]\nkind = "webhook"\nurl = "http://127.0.0.1:{port}/{name}"\n'
        f'key_files = ["{key}"]\ncanary = true\n'
        for name in CHANNELS
    ]
    route = '[[route]]\nname = "all"\n[[route.step]]\nto = ["board"]\n'
    path.write_text("".join(tables) + route, encoding="utf-8")
    return path


@contextlib.contextmanager
def _watching(settings: Settings, folder: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Run `vigil watch`; give what it says now of each channel."""
    log = folder / "watch.log"
    command = [sys.executable, "-P", "-m", "edge", "watch", "--keep-going", "--json"]
    with log.open("wb") as output:
        process = spawn(command, output, worker_environment(settings))

    def said() -> dict[str, str]:
        if process.poll() is not None:
            raise VigilError(f"the watcher ended: {log.read_text(errors='replace')[-500:]}")
        rows = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        return {row["channel"]: row["reason"] or "" for row in rows if "channel" in row}

    try:
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        stop(process, 2.0)


def _wait(
    watcher: Callable[[], dict[str, str]], told: dict[str, float], wanted: dict[str, tuple[str, str]]
) -> None:
    """Wait until the watcher says of channels what is wanted; note how long each took."""
    began_s, left = time.monotonic(), dict(wanted)
    while left and time.monotonic() < began_s + 2 * TOLD_S_MAX:
        said = watcher()
        for hop, (channel, why) in tuple(left.items()):
            if channel in said and (why in said[channel] if why else not said[channel]):
                told[hop] = round(time.monotonic() - began_s, 1)
                del left[hop]
        time.sleep(POLL_S)
    for hop in left:
        told[hop] = float("inf")
