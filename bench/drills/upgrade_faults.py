"""An upgrade under load and the way back: workers and gateways of an earlier release become ours, and back again."""

import time
from collections.abc import Sequence
from typing import Final

from bench.drills.devices import DevicePlan
from bench.drills.findings import Findings
from bench.drills.gateway_faults import GATEWAYS, devices_sending
from bench.drills.gateway_verdict import compare
from bench.drills.gateways import READY_S_MAX, Gateway, start_gateways
from bench.drills.releases import OURS, Release
from bench.drills.stage import Stage
from bench.drills.worker_faults import BEGIN, no_later_than_a_handover, replace_workers
from streams.errors import VigilError
from streams.kafka.admin import apply_topics

STAY_S: Final = (3.0, 6.0)
"""How long both releases work side by side, or all of them are of one, before the next step."""

POSTED: Final = ("http", "hl7")


def upgrade(stage: Stage) -> None:
    """Roll to our release and back: readers of the log before its writers on the way there, after them on the way back.

    That order is what operators are told (docs/operations.md): a writer of a newer release may say what older readers
    refuse.
    """
    earlier = stage.earlier
    assert earlier is not None
    gateways = start_gateways(stage.settings, stage.folder, GATEWAYS, stage.sabotage, release=earlier)
    ports: dict[str, Sequence[int]] = {
        "http": [gateway.settings.gateway_http_port for gateway in gateways],
        "hl7": [gateway.settings.gateway_mllp_port for gateway in gateways],
    }
    with devices_sending(stage, DevicePlan(ports)) as ledger:
        stage.sleep_until(BEGIN)
        apply_topics(stage.settings)  # what our release has and the earlier has not
        _roll_workers(stage, OURS)
        _roll_gateways(stage, gateways, OURS)
        _roll_gateways(stage, gateways, earlier)
        _roll_workers(stage, earlier)
    stage.facts["releases"] = [worker.release for worker in stage.workers.all]
    if stage.left_s < 0:
        stage.broken.append(f"the way there and back took {-stage.left_s:.0f} s longer than the load")
    for gateway in gateways:
        _end(stage, gateway)
    compare(stage, ledger, POSTED)


def _roll_workers(stage: Stage, release: Release) -> None:
    stage.workers.release = release
    with stage.fault(f"workers become {release.name}"):
        replace_workers(stage, STAY_S)


def _roll_gateways(stage: Stage, gateways: Sequence[Gateway], release: Release) -> None:
    with stage.fault(f"gateways become {release.name}"):
        for gateway in gateways:
            _end(stage, gateway)
            gateway.release = release
            gateway.start()
            if gateway.wait_takes(READY_S_MAX) is None:
                raise VigilError(f"a gateway of release {release.name} takes no readings: {gateway.said()}")
            time.sleep(stage.rng.uniform(*STAY_S))


def _end(stage: Stage, gateway: Gateway) -> None:
    if code := gateway.terminate():
        stage.broken.append(
            f"a gateway of release {gateway.release.name} ended with {code}, not 0, when told to stop: "
            f"{gateway.said()}"
        )


def both_ways_like_a_restart(found: Findings) -> list[str]:
    """An upgrade costs what an orderly restart costs, and each release has worked."""
    broken = no_later_than_a_handover(found)
    if len(set(found.facts["releases"])) < 2:
        broken.append("workers of one release alone worked: nothing was tested")
    return broken
