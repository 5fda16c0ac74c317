"""`vigil health`."""

import click

from edge.metrics_scrape import metrics_url, scrape
from edge.printing import say
from streams.config.settings import load_settings
from streams.errors import VigilError


@click.command()
@click.option("--metrics-host", help="Where the worker serves /metrics.")
@click.option("--metrics-port", type=click.IntRange(1, 65_535), help="On which port.")
@click.option("--ready", is_flag=True, help="It must also own partitions and have recovered them.")
def health(ready: bool, **options: object) -> None:
    """Ask a worker for a sign of life: exit code 0 if it answers, 1 if not.

    For the probes of an orchestrator: without --ready it says whether to restart the worker, with --ready whether it
    works already. A worker that found no partition left to take is alive and never ready.
    """
    settings = load_settings(**options)
    url = metrics_url(settings.metrics_host, settings.metrics_port)
    samples = scrape(url)
    if samples is None:
        raise VigilError(f"no worker answers at {url}")
    if ready and samples.value("vigil_ready") != 1.0:
        raise VigilError(f"the worker at {url} owns no partition, or recovers them")
    say("ready" if samples.value("vigil_ready") == 1.0 else "alive")
