"""`vigil demo`."""

import sys

import click

from edge.options import brokers_option, json_option, rules_option, with_changes
from streams.config.settings import load_settings

PREFIX = "demo."
"""On a broker that others use, simulated patients stay out of the real ones' topics."""


@click.command()
@brokers_option
@click.option("--beds", type=click.IntRange(1), default=200, show_default=True, help="Simulated patients.")
@click.option("--rate", "rate_hz", default=1.0, show_default=True, help="Frames a second of each bed, Hz.")
@click.option("--burst", "bursts", multiple=True, metavar="FACTOR@START+SECONDS", help="May be repeated.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Length; else until Ctrl-C.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same readings."
)
@click.option("--workers", type=click.IntRange(1, 16), default=1, show_default=True, help="Worker processes.")
@click.option("--gateway", is_flag=True, help="Frames go through a gateway, which a curl line can reach too.")
@click.option("--board/--no-board", default=True, show_default=True, help="A ward board for browsers.")
@rules_option
@click.option("--verbose", is_flag=True, help="Show what the workers log.")
@json_option
def demo(
    beds: int,
    rate_hz: float,
    bursts: tuple[str, ...],
    seconds: float | None,
    seed: int,
    workers: int,
    gateway: bool,
    board: bool,
    verbose: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Watch a simulated ward: broker, worker and simulator in one command, all gone at its end.

    On a terminal a live screen; else one line a second. --seconds counts from the first frame and ends with a
    summary. The board listens on VIGIL_BOARD_PORT (8480), or any free port where that
    is taken. With --gateway it listens on VIGIL_GATEWAY_HTTP_PORT, else on 8470. With --brokers the topics are
    prefixed with "demo." unless VIGIL_TOPIC_PREFIX is set.
    """
    from edge.burst import parse_burst
    from edge.demonstration import Plan, run
    from edge.ward_screen import LineScreen, LiveScreen, Screen

    settings = load_settings(**options)
    if settings.bootstrap:
        settings = with_changes(
            settings, topic_prefix=settings.topic_prefix or PREFIX, group=f"{settings.group}-demo"
        )
    for text in bursts:
        parse_burst(text)
    live = sys.stdout.isatty() and not as_json and not verbose
    screen: Screen = (
        LiveScreen("Vigil demo, with a gateway" if gateway else "Vigil demo") if live else LineScreen(as_json)
    )
    run(settings, Plan(beds, rate_hz, seed, bursts, seconds, workers, verbose, gateway, board), screen)
