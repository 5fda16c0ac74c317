"""`vigil scale`."""

import click

from edge.options import brokers_option, group_option, json_option, need_brokers
from edge.printing import print_json, say
from edge.scaling import Status, begin, finish, give_up, go_on, status
from streams.config.settings import Settings, load_settings
from streams.contracts.layout import Phase
from streams.errors import UsageError

FACTOR_MAX = 64


@click.command()
@brokers_option
@group_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--partitions", type=int, help="Of all topics that follow the readings, as they were created.")
@click.option("--replication", type=int, help="Copies of each topic.")
@click.option("--factor", type=click.IntRange(2, FACTOR_MAX), help="How many times the partitions.")
@click.option("--status", "action", flag_value="status", help="Say how the readings lie.")
@click.option("--resume", "action", flag_value="resume", help="Go on where it ended.")
@click.option("--abort", "action", flag_value="abort", help="Give up, before the state has moved.")
@click.option("--finish", "action", flag_value="finish", help="Remove what nobody writes to any more.")
@json_option
def scale(factor: int | None, action: str | None, as_json: bool, **options: object) -> None:
    """Give the readings more partitions while frames run, and take the patients' state along.

    Workers hand over, their state is split, and they go on: for some seconds nothing is judged, and nothing is lost.
    Who wrote readings before may go on writing where it does; that is forwarded. Gateways go over to the new partitions
    by themselves; once nobody writes to the old ones, --finish removes them. Ended at any moment, --resume goes on.
    Exit code 1 where a step did not come to its end: workers judge on, then.
    """
    settings = need_brokers(load_settings(**options))
    if (factor is None) == (action is None):
        raise UsageError("scale: give --factor, or one of --status, --resume, --abort and --finish")

    def tell(line: str) -> None:
        say(f"vigil: {line}", err=True)

    if factor is not None:
        begin(settings, factor, tell)
    elif action == "resume":
        go_on(settings, tell)
    elif action == "abort":
        give_up(settings, tell)
    elif action == "finish":
        finish(settings, tell)
    _show(settings, status(settings), as_json)


def _show(settings: Settings, found: Status, as_json: bool) -> None:
    layout = found.layout
    partitions = settings.partitions * layout.judged.factor
    if as_json:
        print_json(
            {"layout": layout.model_dump(mode="json"), "partitions": partitions, "waiting": found.waiting}
        )
        return
    say(
        f"{layout.phase}: {partitions} partitions of the readings are judged (generation {layout.judged.number})"
    )
    for topic, count in found.waiting.items():
        say(f"{topic}: {count} records wait to be forwarded")
    if layout.phase not in (Phase.SETTLED, Phase.OPEN):
        say(
            "vigil scale --resume goes on"
            + ("" if layout.phase == Phase.FORWARDING else ", --abort gives up")
        )
