"""`vigil gateway`."""

import asyncio
import gc
import logging
import signal
from typing import Final

import click

from edge.options import brokers_option, need_brokers
from edge.printing import say
from streams.config.settings import Settings, load_settings
from streams.errors import UsageError

GARBAGE_AFTER: Final = (100_000, 50, 100)
"""Objects between two looks for garbage in circles: readings make none, and a look at all of them takes long."""


@click.group(invoke_without_command=True)
@brokers_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--host", "gateway_host", help="Where it listens for devices.")
@click.option("--http-port", "gateway_http_port", type=int, help="Port for HTTP; 0 = off.")
@click.option("--mllp-port", "gateway_mllp_port", type=int, help="Port for HL7 over MLLP; 0 = off.")
@click.option("--mqtt-host", "gateway_mqtt_host", help="An MQTT 5 broker to take readings from.")
@click.option(
    "--vital-recorder-port", "gateway_vital_recorder_port", type=int, help="Port for Vital Recorder; 0 = off."
)
@click.option("--clients", "gateway_clients", help="Who may send for which device (TOML).")
@click.option("--metrics-port", "gateway_metrics_port", type=int, help="Port of /metrics; 0 = any free one.")
@click.pass_context
def gateway(context: click.Context, /, **options: object) -> None:
    """Take readings from devices and acknowledge them when Kafka has them.

    It keeps nothing but the spools of Vital Recorder and SDC: run as many as are needed. SIGTERM answers what is in
    flight and ends within 20 s; SIGHUP reads the clients file again, which also happens by itself when it has changed.
    """
    if context.invoked_subcommand is None:
        settings = need_brokers(load_settings(**options))
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        for name in ("aiokafka", "aiohttp"):  # what they say is in our own lines, and theirs quote requests
            logging.getLogger(name).setLevel(logging.CRITICAL)
        asyncio.run(_run(settings))


@gateway.command()
@click.argument("name")
def key(name: str) -> None:
    """Make an API key for a client: the key to give it, and the line for the clients file, which holds no secret."""
    import re

    from edge.gateway.clients import NAME_PATTERN
    from edge.gateway.keys import new_key

    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"name: {name!r} does not match {NAME_PATTERN}")
    made = new_key(name)
    say(f"key, shown only now: {made.key}")
    say("for the clients file:")
    say(f'[clients."{name}"]')
    say(f'key_sha256 = ["{made.sha256}"]')


async def _run(settings: Settings) -> None:
    from edge.gateway.process import serve

    loop, stop, reload = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_AFTER)
    await serve(settings, stop, reload)
