from pathlib import Path

from edge.brokers.jars import CACHE, POM

ROOT = Path(__file__).resolve().parents[2]


def test_jars_and_what_runs_in_the_background_are_kept_in_the_cache_of_the_checkout():
    assert (CACHE, POM.is_file()) == (ROOT / ".cache" / "kafka", True)
