"""`python -m bench.scaling_peers`: 4 to 8 to 24 partitions under the drill's load, by Kafka Streams and Flink.

Each way has a Kafka of its own and takes some three minutes. With `--json FILE` what the file holds of other ways
stays, so that they can be measured one by one.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.drills.run import WARM_UP_S
from bench.machine import commit, machine
from bench.peers.defaults import NEWS2
from bench.scaling_peers.outcome import judge, lost
from bench.scaling_peers.page import table
from bench.scaling_peers.trial import ALERTS, DRILL_LIMITS, PARTITIONS, READINGS, Load, Trial
from bench.scaling_peers.ways import WAYS, Way
from edge.brokers.cluster import KafkaCluster
from streams.errors import VigilError


def main() -> int:
    """Play the ways that were asked for, print, and return the exit code."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = Load()
    options.add_argument("ways", nargs="*", metavar="WAY", help=f"{', '.join(WAYS)} (all)")
    options.add_argument("--seconds", type=float, default=usual.seconds, help="of load (%(default)s)")
    options.add_argument("--rate", type=float, default=usual.rate, help="frames/s (%(default)s)")
    options.add_argument("--patients", type=int, default=usual.patients, help="(%(default)s)")
    options.add_argument("--seed", type=int, default=usual.seed, help="(%(default)s)")
    options.add_argument("--json", type=Path, help="where the outcome is written")
    options.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="where the peers' logs and state are left"
    )
    given = options.parse_args()
    if unknown := [name for name in given.ways if name not in WAYS]:
        options.error(f"no such way: {', '.join(unknown)}")
    load = Load(given.seconds, given.rate, given.patients, given.seed)
    found: dict[str, Any] = {}
    if given.json and given.json.exists():
        found = json.loads(given.json.read_text(encoding="utf-8"))
    try:
        for name in given.ways or WAYS:
            found[name] = play(WAYS[name], load, given.keep)
            if given.json:
                given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    except VigilError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    print(table({name: found[name] for name in WAYS if name in found}))
    return 0


def play(way: Way, load: Load, keep: Path | None = None) -> dict[str, Any]:
    """Play one way; return its outcome. What processes said and kept is left in a folder in `keep`, if there is one.

    Raises:
        VigilError: it could not be played to its end.
    """
    if way.seconds is not None:
        load = replace(load, seconds=min(load.seconds, way.seconds))
    loads = [os.getloadavg()[0]]
    with contextlib.ExitStack() as stack:
        if keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vigil-bench-")))
        else:
            folder = Path(tempfile.mkdtemp(prefix=f"{way.name}-", dir=keep))
        kafka = stack.enter_context(KafkaCluster())
        trial = Trial(kafka.bootstrap, folder, load)
        trial.say(way.about)
        try:
            for topic in (READINGS, ALERTS):
                trial.create(topic, PARTITIONS)
            played = way.play(trial)
        finally:
            trial.close()
        loads.append(os.getloadavg()[0])
        trial.say("reading back")
        log, alerts = trial.read_log(READINGS, played.log_partitions), trial.read_alerts()
        judged = log if played.judged == READINGS else trial.read_log(played.judged, played.partitions)
    from_ms, to_ms = (int(1000 * (trial.start_s + at_s)) for at_s in (WARM_UP_S, load.seconds))
    outcome = judge(log, alerts, (DRILL_LIMITS, NEWS2), from_ms, to_ms)
    return {
        "about": way.about,
        **asdict(load),
        **asdict(outcome),
        "frames": trial.accepted,
        "frames_lost": lost(trial.accepted, (one.frame for one in judged)),
        "steps": trial.steps,
        "machine": machine(),
        "load_average": [round(each, 1) for each in loads],
        "commit": commit(),
    }


if __name__ == "__main__":
    sys.exit(main())
