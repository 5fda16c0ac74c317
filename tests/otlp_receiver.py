"""A collector for tests: takes spans over OTLP/HTTP and reads them with OpenTelemetry's own messages."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from listening_server import listening
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.got.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.answers)
        self.end_headers()

    def log_message(self, *_):
        pass


class Collector:
    def __init__(self, server):
        self._server = server
        self.endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"

    @property
    def bodies(self):
        """What was sent, byte for byte."""
        return list(self._server.got)

    def answer(self, code):
        """Answer so from now on."""
        self._server.answers = code

    def resources(self):
        return [resource for body in self.bodies for resource in _message(body).resource_spans]

    def spans(self, begin=""):
        """Return all spans whose name begins so."""
        spans = [s for resource in self.resources() for scope in resource.scope_spans for s in scope.spans]
        return [span for span in spans if span.name.startswith(begin)]


@contextmanager
def collecting():
    """Take spans on loopback while the block lasts."""
    with listening(Taking) as server:
        server.answers = 200
        yield Collector(server)


def facts(attributes):
    """Return attributes of a span or a resource as a dictionary."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def _message(body):
    message = ExportTraceServiceRequest()
    message.ParseFromString(body)
    return message
