"""A PostgreSQL of a test's own: a cluster in a folder of its own, on a free port of loopback, not as root."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edge.brokers.embedded import free_port

USER = "postgres" if Path("/etc/passwd").read_text().find("\npostgres:") >= 0 else "nobody"
START_S_MAX = 60


def program(name):
    """Return where a program of PostgreSQL is, on the PATH or where Debian puts it; None where it is not."""
    places = [shutil.which(name), *sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))]
    return next((place for place in places if place), None)


class Server:
    """A cluster that can be stopped and started again; `conninfo` is how it is reached."""

    def __init__(self, folder):
        self._data, self._log, self._said = folder / "data", folder / "log", folder / "said"
        self.port = free_port()
        self._user = USER if os.geteuid() == 0 else None  # initdb refuses root
        if self._user:
            shutil.chown(folder, USER)
            for parent in (folder, *folder.parents):  # pytest's folders are its user's alone
                if str(parent).startswith("/tmp/"):
                    parent.chmod(parent.stat().st_mode | 0o711)
        self._run("initdb", "-D", str(self._data), "-U", "vigil", "-A", "trust", "--no-sync", "-E", "UTF8")
        self.conninfo = f"host=127.0.0.1 port={self.port} user=vigil dbname=postgres"

    def _run(self, name, *arguments):
        with self._said.open("w+") as said:  # a server that goes on would keep a pipe open
            done = subprocess.run(
                [program(name), *arguments],
                cwd="/",
                stdout=said,
                stderr=said,
                timeout=START_S_MAX,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                user=self._user,
            )
        assert done.returncode == 0, self._said.read_text()

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._log), "-o", options, "-w", "start")

    def stop(self):
        self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop")


@pytest.fixture(scope="module")
def postgres(needs_postgres, tmp_path_factory):
    """Return a running server."""
    server = Server(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()
