"""Runs the parts of an overlay as their pods would: the image's root, the pod's mounts and variables, a site's files.

For a module's tests: mounting needs root, and without it they are skipped.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from image_root import build, can_lay_out, command_in, image_environment, instructions
from kubernetes_pods import POD_IP, pod_of
from waiting import wait_until

from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.gateway.keys import new_key
from edge.identity.accounts import Account, Accounts, save_accounts
from edge.metrics_scrape import read

ENTRY = json.loads(instructions("ENTRYPOINT")[0])
OWNER = 10001
SETTLED_S = 60.0
PORTS = {
    "worker": ("METRICS_PORT", "WINDOWS_PORT"),
    "gateway": ("GATEWAY_METRICS_PORT", "GATEWAY_HTTP_PORT"),
    "board": ("BOARD_METRICS_PORT", "BOARD_PORT"),
    "deliver": ("DELIVERY_METRICS_PORT", "CHANNELS_METRICS_PORT"),
    "history": ("HISTORY_METRICS_PORT",),
}
"""Where each listens, its page of metrics first: here all have one address, so each has free ports."""

# Also in continuous integration, which may run in a container that may not mount: other tests read the same files.
needs_root = pytest.mark.skipif(not can_lay_out(), reason="mounting needs root")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """What the image copies, with its bytecode."""
    folder = tmp_path_factory.mktemp("image")
    build(folder)
    return folder


class Site:
    """Parts of one overlay; `changes` are variables that this machine needs otherwise."""

    def __init__(self, overlay, image, folder, **changes):
        self.overlay, self.image, self.folder, self.changes = overlay, image, folder, changes
        self.started = []
        for name in ("history", "nothing"):
            self.keep(name, {})
        self.keep(
            "vigil-gateway-site",
            {"clients.toml": f'[clients."m-1"]\nkey_sha256 = ["{new_key("m-1").sha256}"]\n'},
        )
        self.keep("vigil-board-site", {})
        accounts = Accounts(accounts={"wall-1": Account(role="viewer", wards=("*",))})
        save_accounts(folder / "vigil-board-site" / "accounts.toml", accounts)
        os.chown(folder / "vigil-board-site" / "accounts.toml", OWNER, OWNER)

    def keep(self, name, files):
        """Make a secret, or a volume."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        for file, text in files.items():
            (place / file).write_text(text, encoding="utf-8")
        for path in (place, *place.iterdir()):
            os.chown(path, OWNER, OWNER)

    def mounts(self, pod):
        for path, volume, is_read_only in pod.mounts():
            if "emptyDir" in volume:
                yield None, path, False
            elif "secret" in volume:
                kept = self.folder / volume["secret"]["secretName"]
                yield (kept if kept.is_dir() else self.folder / "nothing"), path, is_read_only
            else:
                yield self.folder / "history", path, is_read_only

    def environment(self, pod):
        here = pod.environment | self.changes
        here |= {f"VIGIL_{name}": str(free_port()) for name in PORTS.get(pod.part, ())}
        return image_environment() | {
            name: "127.0.0.1" if value == POD_IP else value for name, value in here.items()
        }

    def command(self, pod, words):
        root = self.folder / f"root-{len(list(self.folder.iterdir()))}"
        root.mkdir()
        return command_in(self.image, root, list(self.mounts(pod)), words)

    def start(self, part):
        pod = pod_of(self.overlay, part)
        running = Running(self, pod, self.environment(pod))
        self.started.append(running.process)
        return running

    def end(self):
        for process in self.started:
            stop(process, term_wait_s=0.0)
        for root in self.folder.glob("root-*"):
            shutil.rmtree(root)  # empty: what was mounted on it went with its process


class Running:
    """A part that runs, its variables, and what it has said."""

    def __init__(self, site, pod, environment):
        self.site, self.pod, self.environment = site, pod, environment
        self._log = site.folder / f"{pod.part}.log"
        with self._log.open("wb") as log:
            self.process = spawn(site.command(pod, [*ENTRY, *pod.container["args"]]), log, environment)

    @property
    def said(self):
        return self._log.read_text(encoding="utf-8", errors="replace")

    def port(self, name):
        return int(self.environment[f"VIGIL_{name}"])

    def wait_alive(self):
        """Wait until the liveness probe is answered."""
        path = self.pod.container["livenessProbe"]["httpGet"]["path"]
        url = f"http://127.0.0.1:{self.port(PORTS[self.pod.part][0])}{path}"
        self.wait_until(lambda: read(url) is not None, "answers")

    def wait_until(self, condition, what):
        def is_so():
            assert self.process.poll() is None, self.said
            return condition()

        wait_until(is_so, f"{self.pod.part} {what}", deadline_s=SETTLED_S)

    def is_ready(self):
        """Run the command of the readiness probe beside the process, in a root of the same kind."""
        words = self.pod.container["readinessProbe"]["exec"]["command"]
        asked = self.site.command(self.pod, words)
        done = subprocess.run(
            asked, env=self.environment, capture_output=True, timeout=SETTLED_S, check=False
        )
        return done.returncode == 0

    def root(self):
        """Return its root as it is seen from here."""
        return Path(f"/proc/{self.process.pid}/root")
