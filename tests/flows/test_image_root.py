"""Each part of the trial on Kubernetes starts as its container would: the image's root, its mounts, its variables."""

import signal
import subprocess

import pytest
from image_root import ROOT, image_environment
from kubernetes_pods import pod_of
from kubernetes_site import ENTRY, PORTS, SETTLED_S, Site, image, needs_root

pytestmark = needs_root
__all__ = ["image"]

TOLD_TO_END = 128 + signal.SIGTERM
"""Of a command that would go on for ever; as process 1 of a container it must not leave that to the kernel."""

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


@pytest.fixture
def site(broker, image, tmp_path):
    site = Site("trial", image, tmp_path, VIGIL_BROKERS=broker.bootstrap, VIGIL_GATEWAY_IDEMPOTENCE="false")
    yield site
    site.end()


def test_the_root_is_as_the_manifests_say(site):
    pod = pod_of("trial", "history")
    folders = ["/", str(ROOT), "/opt/venv", "/tmp", "/var/lib/vigil"]
    command = site.command(pod, [ENTRY[0], "-c", LOOK, *folders])
    seen = subprocess.run(
        command, env=image_environment(), capture_output=True, text=True, timeout=SETTLED_S, check=True
    )
    assert seen.stdout.split() == [*("10001", "10001", "False"), *["EROFS"] * 3, *["written"] * 2]


def test_every_part_starts_answers_its_probe_and_ends_in_order(site):
    topics = site.start("topics")
    assert topics.process.wait(SETTLED_S) == 0, topics.said
    running = {part: site.start(part) for part in (*PORTS, "watch")}
    for part in PORTS:
        running[part].wait_alive()
    worker = running["worker"]
    worker.wait_until(worker.is_ready, "is ready")
    compiled = worker.root() / "tmp" / "vigil" / "kernels"
    ahead = {path.name for path in (ROOT / ".cache" / "kernels").iterdir()}
    assert {path.name for path in compiled.iterdir()} <= ahead  # copied, not made
    for one in running.values():
        one.process.send_signal(signal.SIGTERM)
    for part, one in running.items():
        assert one.process.wait(SETTLED_S) == (TOLD_TO_END if part == "watch" else 0), (part, one.said)
