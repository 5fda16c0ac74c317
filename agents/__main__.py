"""Entry of a worker process: `python -m agents`. Settings come from the environment (`VIGIL_...`)."""

import sys

from agents import preflight
from agents.canary import with_canary
from agents.draining import begin, run, say, serve_metrics
from agents.wiring import wire
from clinical.defaults import DEFAULT_RULES
from streams.errors import UsageError, VigilError
from streams.rules_file import load_rules
from streams.settings import load_settings


def main() -> int:
    """Run one worker until it is told to stop; return its exit code."""
    begin()
    try:
        settings = load_settings()
        if not settings.bootstrap:
            raise UsageError("brokers: a worker needs VIGIL_BROKERS=host:port")
        rules = with_canary(load_rules(settings.rules) if settings.rules else DEFAULT_RULES)
        preflight.check_data_dir(settings)
        flow = wire(settings, rules)
        serve_metrics(settings, flow.metrics.registry)
        preflight.check_broker(settings, say)
    except VigilError as error:
        say(str(error))
        return error.exit_code
    return run(flow.app, flow.watchdog)


if __name__ == "__main__":
    sys.exit(main())
