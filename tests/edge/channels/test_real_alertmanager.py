"""Alertmanager itself, with the configuration that Vigil ships: every alarm paged once, none lost, ends told."""

import asyncio
import shutil
import subprocess
import urllib.request
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from channel_peers import page_of, receiving
from waiting import wait_until

from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.channels.alertmanager import Alertmanager, AlertmanagerOptions
from edge.channels.page import Sent

CONFIGURATION = Path(__file__).parents[3] / "deploy" / "alertmanager.yml"
EPISODES = 300
AT_ONCE = 16

pytestmark = pytest.mark.usefixtures("needs_alertmanager")


@contextmanager
def alertmanager(folder, receiver_url):
    """Run Alertmanager with the shipped configuration, its pager being the receiver; give its address."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    config = folder / "alertmanager.yml"
    text = CONFIGURATION.read_text().replace("http://127.0.0.1:9095/", receiver_url + "/")
    config.write_text(
        text.replace("group_interval: 10s", "group_interval: 1s")
    )  # only how late an end is told
    url, log = f"http://127.0.0.1:{free_port()}", folder / "alertmanager.log"
    command = [program, f"--config.file={config}", f"--storage.path={folder / 'data'}"]
    command += [f"--web.listen-address={url.removeprefix('http://')}", "--cluster.listen-address="]
    with log.open("wb") as output:
        process = spawn(command, output)
    try:
        wait_until(lambda: answers(f"{url}/-/ready"), f"Alertmanager: {log.read_text()}", 30.0)
        yield url
    finally:
        stop(process, 5.0)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:
            return answer.status == 200
    except OSError:
        return False


async def until(condition, what, deadline_s=30.0):
    try:
        async with asyncio.timeout(deadline_s):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"waited {deadline_s:g} s for: {what}")


def paged(receiver, status):
    """Return how often each episode was told in a status."""
    told = Counter()
    for body in receiver.bodies():
        for alert in body["alerts"]:
            told[alert["labels"]["episode"]] += alert["status"] == status
    return +told


def test_three_hundred_alarms_at_once_are_paged_once_each_and_none_is_lost(tmp_path):
    names = {f"e{number:03d}" for number in range(EPISODES)}

    def pages(event, number, **said):
        return [
            page_of(
                event,
                page_id=f"d{n}",
                episode=f"e{n:03d}",
                patient=f"bed-{n}",
                id=f"e{n:03d}-{number}",
                **said,
            )
            for n in range(EPISODES)
        ]

    async def run():
        async with receiving(200) as receiver:
            with alertmanager(tmp_path, receiver.url) as url:
                channel = Alertmanager(AlertmanagerOptions(url=url))
                room = asyncio.Semaphore(AT_ONCE)

                async def send(page):
                    async with room:
                        return await channel.send(page, 1, 5.0)

                first = await asyncio.gather(*map(send, pages("start", 0)))
                await until(lambda: set(paged(receiver, "firing")) == names, "every alarm's page")
                renewed = await asyncio.gather(*map(send, pages("start", 0)))
                ended = await asyncio.gather(*map(send, pages("end", 1, phase="end", state="inactive")))
                await until(lambda: set(paged(receiver, "resolved")) == names, "every alarm's end")
                await channel.close()
            return [*first, *renewed, *ended], receiver

    outcomes, receiver = asyncio.run(run())
    assert all(isinstance(one, Sent) for one in outcomes)
    assert set(paged(receiver, "firing").values()) == {1}
    assert set(paged(receiver, "resolved").values()) == {1}
    assert all(len(body["alerts"]) == 1 for body in receiver.bodies())


def test_the_shipped_configuration_is_one_that_alertmanager_takes(needs_amtool):
    done = subprocess.run(
        ["amtool", "check-config", CONFIGURATION], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
