"""`vigil deliver`."""

from pathlib import Path

import click

from edge.channels.kinds import check_options
from edge.delivering import deliver_until
from edge.options import brokers_option, group_option, need_brokers
from edge.printing import say
from edge.told_to_end import told_to_end
from streams.config.routing import DEFAULT_ROUTING
from streams.config.routing_file import load_routing
from streams.config.settings import load_settings


@click.command()
@brokers_option
@group_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--partitions", type=int, help="Of the readings, as they were created.")
@click.option(
    "--routes",
    "routing",
    type=click.Path(path_type=Path),
    help="Routing file (TOML); else VIGIL_ROUTING, else boards alone.",
)
@click.option("--metrics-host", help="Where /metrics is served.")
@click.option("--metrics-port", "delivery_metrics_port", type=int, help="Port of /metrics; 0 = any free one.")
def deliver(**options: object) -> None:
    """Bring alerts to people: decide who is told, send it, and go on to the next when nobody answers.

    Runs in the foreground as two processes: one decides, and where the routing file names channels that send, one
    sends. Either is started again if it dies. Run it as often as you like: those of one group share the patients.
    SIGTERM and Ctrl-C end both in order.

    Exit code 0 after that, 2 for a wrong routing file, 3 if the first start finds no broker, 1 if one kept dying.
    """
    settings = need_brokers(load_settings(**options))
    routing = load_routing(settings.routing, check_options) if settings.routing else DEFAULT_ROUTING
    with told_to_end() as stop:
        deliver_until(settings, routing, stop, lambda line: say(f"vigil: {line}", err=True))
