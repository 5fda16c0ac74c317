"""`vigil simulate`."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from edge.options import brokers_option, json_option, need_brokers
from edge.printing import print_json, say
from edge.told_to_end import told_to_end
from streams.config.settings import load_settings
from streams.errors import VigilError

if TYPE_CHECKING:
    from edge.simulator import Progress

UNANSWERED_S: Final = 5.0
"""A frame that waits for its acknowledgement for so long is told of."""


@click.command()
@brokers_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--beds", default=200, show_default=True, help="Patients, one device each.")
@click.option("--rate", "rate_hz", default=1.0, show_default=True, help="Frames a second of each bed, Hz.")
@click.option("--burst", "bursts", multiple=True, metavar="FACTOR@START+SECONDS", help="May be repeated.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same readings.")
@click.option("--gateway", metavar="URL", help="Through a gateway's HTTP, with the key in VIGIL_GATEWAY_KEY.")
@click.option("--seconds", type=float, help="Length of the run; else until Ctrl-C.")
@json_option
def simulate(
    beds: int,
    rate_hz: float,
    bursts: tuple[str, ...],
    seed: int,
    seconds: float | None,
    gateway: str | None,
    as_json: bool,
    **options: object,
) -> None:
    """Send a simulated ward's frames, on a schedule that a slow broker does not slow down.

    A burst multiplies the rate for a while: `--burst 5@10+3` is five times the rate from second 10 for 3 s.
    Ctrl-C ends the run with its final counts; exit code 1 if frames were refused or failed.
    """
    from edge import simulator
    from edge.burst import parse_burst

    settings = load_settings(**options)
    if gateway is None:
        need_brokers(settings)
    planned = [parse_burst(text) for text in bursts]
    with told_to_end() as stop, Reporter(seconds, as_json) as reporter:
        final = simulator.simulate(
            settings, beds, rate_hz, planned, seed, seconds, stop, reporter.report, gateway
        )
    if as_json:
        print_json({"type": "summary", **asdict(final)})
    else:
        say(line(final))
    if lost := losses(final):
        raise VigilError(lost)


class Reporter:
    """Tells how the run goes: a bar on a terminal, else a line (or a JSON object) a second."""

    def __init__(self, seconds: float | None, as_json: bool) -> None:
        self._as_json = as_json
        self._bar = None
        if sys.stdout.isatty() and not as_json:
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(BarColumn(bar_width=20), TextColumn("{task.description}"), transient=True)
            self._task = self._bar.add_task("connecting", total=seconds)

    def __enter__(self) -> "Reporter":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def report(self, progress: "Progress") -> None:
        """Take the counts of this second."""
        if self._bar is not None:
            self._bar.update(self._task, completed=progress.elapsed_s, description=line(progress))
        elif self._as_json:
            print_json({"type": "progress", **asdict(progress)})
        else:
            say(line(progress))


def line(progress: "Progress") -> str:
    """Return the counts for people."""
    unanswered = (
        f" (no answer for {progress.unanswered_s:.0f} s)" if progress.unanswered_s >= UNANSWERED_S else ""
    )
    return (
        f"{progress.elapsed_s:.0f} s, sent {progress.sent:,}, acknowledged {progress.acknowledged:,}, "
        f"on their way {progress.in_flight:,}{unanswered}, waiting {progress.waiting:,}, "
        f"refused {progress.refused:,}, failed {progress.failed:,}, "
        f"behind p99 {progress.behind_p99_ms:,} ms, fell behind {progress.fell_behind_s:,} s"
    )


def losses(progress: "Progress") -> str:
    """Return what became of the frames that the broker has not acknowledged; empty if nothing was lost."""
    if not progress.refused and not progress.failed:
        return ""
    waits = progress.waiting + progress.in_flight
    return (
        f"lost: {progress.failed:,} frames that the broker did not acknowledge in time, "
        f"{progress.refused:,} for which there was no room"
        + (f"; left unsent or unanswered: {waits:,}" if waits else "")
    )
