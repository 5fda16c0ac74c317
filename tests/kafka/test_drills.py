import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.brokers.cluster import KafkaCluster

ROOT = Path(__file__).resolve().parents[2]
RUN_S_MAX = 240.0
COUNTS = ("lost_readings", "lost_alerts", "phantom_alerts", "repeated_at_consumer", "order_violations")

pytestmark = pytest.mark.kafka


class Drills:
    """Runs short drills on the session's Kafka, by the command that people use."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self._bootstrap, self._folder = bootstrap, folder

    def run(self, name: str, seconds: int, *options: str) -> tuple[int, dict[str, object]]:
        """Return the exit code and what the drill found."""
        found = self._folder / "found.json"
        command = [sys.executable, "-P", "-m", "bench.drills", name, "--seconds", str(seconds)]
        command += ["--rate", "400", "--patients", "500", "--brokers", self._bootstrap, "--json", str(found)]
        done = subprocess.run(
            [*command, *options],
            cwd=ROOT,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=RUN_S_MAX,
        )
        print(done.stdout, done.stderr)
        assert found.exists(), "the drill did not come to its end"
        return done.returncode, json.loads(found.read_text())


def _environment() -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    return {**others, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def drills(kafka: KafkaCluster, tmp_path: Path) -> Drills:
    return Drills(kafka.bootstrap, tmp_path)


@pytest.mark.parametrize(("name", "seconds"), [("steady", 15), ("kill-worker", 25), ("disorder", 20)])
def test_nothing_is_lost(drills: Drills, name: str, seconds: int) -> None:
    code, found = drills.run(name, seconds)
    assert found["broken"] == []
    assert [found[count] for count in COUNTS] == [0, 0, 0, 0, 0]
    assert found["alerts_expected"] > 50
    assert code == 0


@pytest.mark.drill
def test_nothing_is_lost_when_readings_get_more_partitions_and_the_command_is_killed(drills: Drills) -> None:
    _, found = drills.run("scale-partitions", 50)
    # For how long nothing is judged hangs on how fast the command starts again, nine times: the whole drill bounds it.
    assert [line for line in found["broken"] if not line.startswith("silent for")] == []
    assert [found[count] for count in COUNTS] == [0, 0, 0, 0, 0]
    assert found["generations"] == [1, 2, 6]
    assert found["forwarded"] > 1_000
    assert found["alerts_expected"] > 50


def test_every_malformed_record_is_in_the_dead_letters_and_its_neighbours_are_judged(drills: Drills) -> None:
    code, found = drills.run("poison", 15)
    assert found["broken"] == []
    assert found["bad_records"] > 400
    assert found["alerts_expected"] > 50
    assert code == 0


@pytest.mark.drill
def test_an_upgrade_and_the_way_back_lose_nothing(drills: Drills) -> None:
    code, found = drills.run("upgrade", 120, "--from", "HEAD")
    assert found["broken"] == []
    assert [found[count] for count in COUNTS] == [0, 0, 0, 0, 0]
    assert set(found["releases"]) == {"HEAD", "ours"}
    assert code == 0


@pytest.mark.drill
@pytest.mark.parametrize(
    ("sabotage", "name", "seconds"),
    [
        ("concurrency", "steady", 12),
        ("drop-frame", "steady", 15),
        ("unawaited-send", "kill-worker", 25),
        ("ack-before-state", "kill-worker", 25),
    ],
)
def test_a_worker_with_a_fault_built_in_turns_its_drill_red(
    drills: Drills, sabotage: str, name: str, seconds: int
) -> None:
    code, found = drills.run(name, seconds, "--sabotage", sabotage)
    assert code == 1
    assert any(found[count] for count in COUNTS)
