"""Each part of the trial on Kubernetes starts as its container would: the image's root, its mounts, its variables."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from image_root import ROOT, build, can_lay_out, command_in, image_environment, instructions
from kubernetes_pods import POD_IP, pod_of
from worker_flow import wait_until

from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.gateway.keys import new_key
from edge.identity.accounts import Account, Accounts, save_accounts
from edge.metrics_scrape import read

ENTRY = json.loads(instructions("ENTRYPOINT")[0])
OWNER = 10001
SETTLED_S = 60.0
TOLD_TO_END = 128 + signal.SIGTERM
"""Of a command that would go on for ever; as process 1 of a container it must not leave that to the kernel."""
PORTS = {
    "worker": ("METRICS_PORT", "WINDOWS_PORT"),
    "gateway": ("GATEWAY_METRICS_PORT", "GATEWAY_HTTP_PORT"),
    "board": ("BOARD_METRICS_PORT", "BOARD_PORT"),
    "deliver": ("DELIVERY_METRICS_PORT", "CHANNELS_METRICS_PORT"),
    "history": ("HISTORY_METRICS_PORT",),
}
"""Where each listens, its page of metrics first: here all have one address, so each has free ports."""

LOOK = """
import errno, os, sys
print(os.getuid(), os.getgid(), os.path.exists(os.path.expanduser("~")))
for folder in sys.argv[1:]:
    try:
        open(os.path.join(folder, "written"), "w")
    except OSError as error:
        print(errno.errorcode[error.errno])
    else:
        print("written")
"""

pytestmark = pytest.mark.skipif(not can_lay_out(), reason="mounting needs root")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    build(folder)
    return folder


class Site:
    """Runs parts as their pods would, with the files that an operator has made."""

    def __init__(self, image, folder, brokers):
        self.image, self.folder, self.brokers = image, folder, brokers
        self.started = []
        for name in ("vigil-board-site", "vigil-gateway-site", "history", "nothing"):
            (folder / name).mkdir()
        accounts = Accounts(accounts={"wall-1": Account(role="viewer", wards=("*",))})
        save_accounts(folder / "vigil-board-site" / "accounts.toml", accounts)
        clients = f'[clients."m-1"]\nkey_sha256 = ["{new_key("m-1").sha256}"]\n'
        (folder / "vigil-gateway-site" / "clients.toml").write_text(clients)
        for path in folder.rglob("*"):
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
        here = pod.environment | {"VIGIL_BROKERS": self.brokers, "VIGIL_GATEWAY_IDEMPOTENCE": "false"}
        here |= {f"VIGIL_{name}": str(free_port()) for name in PORTS.get(pod.part, ())}
        return image_environment() | {
            name: "127.0.0.1" if value == POD_IP else value for name, value in here.items()
        }

    def command(self, pod, words):
        root = self.folder / f"root-{len(list(self.folder.iterdir()))}"
        root.mkdir()
        return command_in(self.image, root, list(self.mounts(pod)), words)

    def start(self, part):
        pod = pod_of("trial", part)
        environment, said = self.environment(pod), self.folder / f"{part}.log"
        with said.open("wb") as log:
            process = spawn(self.command(pod, [*ENTRY, *pod.container["args"]]), log, environment)
        self.started.append(process)
        return process, environment, said


@pytest.fixture
def site(broker, image, tmp_path):
    site = Site(image, tmp_path, broker.bootstrap)
    yield site
    for process in site.started:
        stop(process, term_wait_s=0.0)


def test_the_root_is_as_the_manifests_say(site):
    pod = pod_of("trial", "history")
    folders = ["/", str(ROOT), "/opt/venv", "/tmp", "/var/lib/vigil"]
    command = site.command(pod, [ENTRY[0], "-c", LOOK, *folders])
    seen = subprocess.run(
        command, env=image_environment(), capture_output=True, text=True, timeout=SETTLED_S, check=True
    )
    assert seen.stdout.split() == [*("10001", "10001", "False"), *["EROFS"] * 3, *["written"] * 2]


def test_every_part_starts_answers_its_probe_and_ends_in_order(site):
    topics, _, said = site.start("topics")
    assert topics.wait(SETTLED_S) == 0, said.read_text()
    running = {part: site.start(part) for part in (*PORTS, "watch")}
    for part, (process, environment, said) in running.items():
        if part in PORTS:
            port = environment[f"VIGIL_{PORTS[part][0]}"]
            path = pod_of("trial", part).container["livenessProbe"]["httpGet"]["path"]

            def answers(process=process, said=said, url=f"http://127.0.0.1:{port}{path}"):
                assert process.poll() is None, said.read_text()
                return read(url) is not None

            wait_until(answers, f"{part} answers", deadline_s=SETTLED_S)
    worker, environment, said = running["worker"]
    pod = pod_of("trial", "worker")
    words = pod.container["readinessProbe"]["exec"]["command"]

    def is_ready():
        assert worker.poll() is None, said.read_text()
        asked = site.command(pod, words)
        done = subprocess.run(asked, env=environment, capture_output=True, timeout=SETTLED_S, check=False)
        return done.returncode == 0

    wait_until(is_ready, "the worker is ready", deadline_s=SETTLED_S)
    compiled = Path(f"/proc/{worker.pid}/root/tmp/vigil/kernels")
    ahead = {path.name for path in (ROOT / ".cache" / "kernels").iterdir()}
    assert {path.name for path in compiled.iterdir()} <= ahead  # copied, not made
    for process, _, _ in running.values():
        process.send_signal(signal.SIGTERM)
    for part, (process, _, said) in running.items():
        assert process.wait(SETTLED_S) == (TOLD_TO_END if part == "watch" else 0), (part, said.read_text())
