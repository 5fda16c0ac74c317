"""A real HTTP receiver for tests, in a thread of its own."""

import threading
from contextlib import contextmanager
from http.server import ThreadingHTTPServer


@contextmanager
def listening(handler):
    """Serve on loopback while the block lasts; give the server, whose `got` the handler may fill."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
