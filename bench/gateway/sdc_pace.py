"""How many SDC providers of 30 metrics at 1 Hz a core of the gateway holds: real providers, processes of their own."""

import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.gateway import one_gateway
from bench.process_time import cpu_s_of
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.kafka.admin import apply_topics

NAME: Final = "sdc"
PROVIDERS: Final = 6
METRICS: Final = 30
MISSED_MAX: Final = 2
"""Reports of each provider that are on their way when the measurement begins and ends."""


def measure(brokers: str, prefix: str, seconds: float) -> int:
    """Measure, print, and return 1 where reports are missing."""
    eprs = [uuid.uuid4().urn for _ in range(PROVIDERS)]
    with ExitStack() as at_end:
        settings = Settings(
            brokers=brokers,
            topic_prefix=prefix,
            data_dir=Path(at_end.enter_context(tempfile.TemporaryDirectory())),
            gateway_sdc_interface="127.0.0.1",
            gateway_sdc_providers=" ".join(eprs),
            gateway_metrics_port=free_port(),
        )
        apply_topics(settings)
        for epr in eprs:
            command = [sys.executable, "-P", "-m", "bench.sdc_provider", epr, "--metrics", str(METRICS)]
            process = spawn(command, subprocess.DEVNULL, worker_environment(settings))
            at_end.callback(stop, process, 0.0)
        pid = at_end.enter_context(one_gateway.running(settings, NAME, PROVIDERS))
        before, cpu_s = one_gateway.accepted(settings, NAME), cpu_s_of(pid)
        time.sleep(seconds)
        reports = one_gateway.accepted(settings, NAME) - before
        cpu_s = cpu_s_of(pid) - cpu_s
    if not reports:
        print("sdc: no report came")
        return 1
    each_ms = 1000 * cpu_s / reports
    print(
        f"sdc: {1000 / each_ms:,.0f} providers of {METRICS} metrics at 1 Hz per core, {each_ms:.1f} ms of it a report; "
        f"measured with {PROVIDERS}, {reports:.0f} reports in {seconds:g} s"
    )
    return int(reports < PROVIDERS * (seconds - MISSED_MAX))
