"""Entry of a process that decides who is told: `python -m agents.delivery`. Settings come from the environment."""

import sys

from agents.delivery.wiring import wire
from agents.draining import DrainingWorker, begin, run, say
from agents.health import preflight
from streams.config.routing import DEFAULT_ROUTING
from streams.config.routing_file import load_routing
from streams.config.settings import load_settings
from streams.errors import UsageError, VigilError
from streams.kafka.admin import delivery_settings
from streams.metrics_server import serve_metrics


def main() -> int:
    """Run one process until it is told to stop; return its exit code."""
    begin()
    try:
        settings = load_settings()
        if not settings.bootstrap:
            raise UsageError("brokers: delivery needs VIGIL_BROKERS=host:port")
        routing = load_routing(settings.routing) if settings.routing else DEFAULT_ROUTING
        ours = delivery_settings(settings)
        preflight.check_data_dir(ours)
        flow = wire(ours, routing)
        serve_metrics(flow.metrics.registry, settings.metrics_host, settings.metrics_port, "metrics_port")
        preflight.check_broker(settings, say)
        preflight.check_group(ours)
    except VigilError as error:
        say(str(error))
        return error.exit_code
    flow.views.start()
    try:
        return run(DrainingWorker(flow.app, flow.watchdog), flow.watchdog)
    finally:
        flow.views.close()


if __name__ == "__main__":
    sys.exit(main())
