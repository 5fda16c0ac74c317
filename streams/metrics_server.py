"""Where a process tells how it is: /metrics, with what every process says of itself: memory, CPU time and its start."""

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from streams.errors import UsageError


def serve_metrics(registry: CollectorRegistry, host: str, port: int, setting: str) -> None:
    """Serve the metrics of a process, once in its life, from a thread of their own.

    Args:
        registry: what it measures; what is of the process itself is added.
        host: where to listen.
        port: on which port, 0 = any free one.
        setting: names the port to whoever has to change it.

    Raises:
        UsageError: nothing can listen there.
    """
    ProcessCollector(registry=registry)
    try:
        start_http_server(port, host, registry=registry)
    except OSError as error:
        raise UsageError(f"{setting}: cannot listen on {host}:{port}: {error.strerror or error}") from None
