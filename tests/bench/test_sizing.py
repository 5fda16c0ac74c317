"""A plan grows with what it is for, keeps its reserves, says what it rests on, and is what docs/sizing.md shows."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.board_writer import REFRESHED_MAX
from bench.sizing import measured as known
from bench.sizing.__main__ import tables
from bench.sizing.bounds import BEDS_MAX, BOUNDS, reached
from bench.sizing.encoded import Sizes, on_the_log, sizes
from bench.sizing.measured import Given, Measured, load, measured
from bench.sizing.page import lines, scaled
from bench.sizing.reckoning import REPLICAS_MAX, TOPICS_OF_PARTITIONS, Site, reckon
from bench.sizing.topic_loads import CHANGELOG, READERS, TopicLoad, kept_bytes
from streams.config.settings import Settings
from streams.contracts.partition_names import PATIENTS_MAX
from streams.errors import BadData
from streams.kafka.admin import plan as planned_topics

ROOT = Path(__file__).resolve().parents[2]
RUN_S_MAX = 60
ROUNDED = 1 + 1e-9
SIZES = Sizes(300.0, 100.0, 800.0, 900.0, 400.0, 260.0, 6_000.0, 700.0, 8.0)
FOUND = Measured("0" * 40, Given(200_000.0, "", "-"), Given(80e6, "", "-"), Given(32e-6, "", "-"))
GROWING = (
    *("frames", "alerts", "worker cores", "workers", "partitions", "gateways", "brokers"),
    *("disk", "disk, first year", "network in", "network out", "group record"),
)

sites = st.builds(
    Site,
    beds=st.integers(1, 2_000_000),
    devices=st.integers(1, 16),
    rate_hz=st.floats(0.01, 10),
    episodes=st.floats(0, 1_000),
    replication=st.integers(1, 5),
    board_age_s=st.floats(5, 600),
)


def numbers(site):
    return {name: figure.value for name, figure in reckon(site, SIZES, FOUND).figures.items()}


@given(sites, st.integers(1, 2_000_000), st.integers(0, 4), st.floats(1, 3))
def test_no_figure_falls_where_beds_devices_or_rates_grow(site, more, devices, faster):
    before = numbers(site)
    for grown in (
        replace(site, beds=site.beds + more),
        replace(site, devices=site.devices + devices),
        replace(site, rate_hz=site.rate_hz * faster),
    ):
        after = numbers(grown)
        assert {name: after[name] for name in GROWING if after[name] < before[name]} == {}


@given(sites)
def test_every_reserve_is_kept_and_nothing_is_fewer_than_may_fail(site):
    plan = reckon(site, SIZES, FOUND)
    partitions, workers, brokers = map(plan.number, ("partitions", "workers", "brokers"))
    assert workers >= 2
    assert plan.figures["worker cores"].value <= workers * known.WORKER_SHARE
    assert site.beds * FOUND.recovery.value <= workers * known.RECOVERY_S_MAX * ROUNDED
    assert partitions >= max(24, 2 * workers)
    assert site.beds <= partitions * PATIENTS_MAX * known.PARTITION_SHARE
    assert site.beds <= partitions * REFRESHED_MAX * site.board_age_s * ROUNDED
    assert plan.number("gateways") >= 2
    assert brokers >= site.replication
    assert (
        plan.figures["network in"].value <= brokers * FOUND.broker_bytes.value * known.BROKER_SHARE * ROUNDED
    )
    assert TOPICS_OF_PARTITIONS * partitions * site.replication <= brokers * REPLICAS_MAX
    assert plan.figures["disk a broker"].value * brokers == pytest.approx(
        plan.figures["disk, first year"].value
    )


@given(sites)
def test_network_is_what_topics_say_and_twice_the_bytes_are_twice_the_network(site):
    plan = reckon(site, SIZES, FOUND)
    written = sum(topic.bytes_s for topic in plan.topics)
    assert plan.figures["network in"].value == pytest.approx(written * site.replication)
    doubled = Sizes(*(2 * size for size in (getattr(SIZES, name) for name in Sizes.__slots__)))
    same = replace(site, episodes=0.0)
    both = [reckon(same, size, FOUND).figures["network in"].value for size in (SIZES, doubled)]
    assert both[1] == pytest.approx(2 * both[0])


def test_a_plan_reckoned_by_hand():
    found = numbers(Site(beds=10_000, devices=2, episodes=0.0))
    assert found["frames"] == 20_000
    cores = 20_000 / 200_000 + 10_000 * (0.36e-6 + 52.5e-6 / 10 + 90e-6 / 5)
    assert found["worker cores"] == pytest.approx(cores)
    assert found["workers"] == 2
    assert found["partitions"] == 192  # of 100, for boards: 24 x 2^3
    written = 20_000 * 300 + 192 * 100 + 384 * 100 + 96 * 260 + 2_000 * 700 + 1_000 * 6_000
    assert found["network in"] == pytest.approx(3 * written)


def test_what_is_kept_is_rate_times_retention_and_the_segment_that_is_written():
    week = 7 * 86_400
    slow = TopicLoad("vitals.heartbeat", 1.0, 100.0)  # kept for a day, and until its segment is a week old
    assert kept_bytes(slow, 4) == pytest.approx(100 * 86_400 + 100 * week)
    fast = TopicLoad("vitals.readings", 1e5, 3e7)
    assert kept_bytes(fast, 4) == pytest.approx(3e7 * week + 4 * 1024**3)
    assert kept_bytes(fast, 4, age_s=86_400) == pytest.approx(3e7 * 86_400 + 4 * 1024**3)
    compacted = TopicLoad(CHANGELOG, 100.0, 6e5, latest_bytes=6e6)
    assert kept_bytes(compacted, 4) == pytest.approx(6e6 / 0.8 + 6e5 * 120 + 2 * 4 * 16 * 1024**2)


def test_every_topic_of_a_plan_is_one_that_is_planned_on_the_broker():
    there = {topic.name.replace("vigil-", "GROUP-", 1) for topic in planned_topics(Settings())}
    assert set(READERS) <= there
    assert [topic.name for topic in reckon(Site(10), SIZES, FOUND).topics] == [*READERS]


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_a_bound_holds_up_to_the_beds_that_it_names_and_no_further(bound):
    def plan(site):
        return reckon(site, SIZES, FOUND)

    site = Site(1_000, 3)
    (found,) = reached(site, plan, [bound])
    assert found.beds is not None
    assert 0 < found.beds < BEDS_MAX
    assert bound.need(plan(replace(site, beds=found.beds))) <= bound.limit
    assert bound.need(plan(replace(site, beds=found.beds + 1))) > bound.limit


def test_what_is_reached_first_stands_first():
    found = reached(Site(1_000, 3), lambda site: reckon(site, SIZES, FOUND))
    beds = [one.beds for one in found]
    assert beds == sorted(beds)


def test_the_bound_on_partitions_is_that_of_the_settings():
    (limit,) = (bound.limit for bound in BOUNDS if bound.name == "partitions")
    assert Settings(partitions=int(limit)).partitions == limit
    with pytest.raises(ValidationError):
        Settings(partitions=int(limit) + 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (known.WORKER_BYTES, "165 MB before it has patients"),
        (known.PATIENT_BYTES, "16.0 KiB\na patient"),
        (known.PATIENT_BYTES_OF_FOUR, "28.2 with four devices"),
        (known.GATEWAY_ONE_HZ, "10,400 one by one"),
        (known.HISTORY_S, "1.72 % together"),
        (known.TICK_S, "0.20, 0.36"),
        (known.RECORD_S, "47 us"),
        (known.SEND_S, "31 to 5.5 us a record"),
        (known.SHOWN_S, "90 us"),
        (known.BOARD_S, "21 us"),
    ],
)
def test_what_a_plan_takes_as_measured_stands_where_it_says(given, said):
    named = re.match(r"[\w./]+\.md", given.source)
    assert named
    text = (ROOT / named[0]).read_text(encoding="utf-8")
    assert " ".join(said.split()) in " ".join(text.split())


def test_the_report_is_read_and_of_two_figures_the_lower_counts():
    report = json.loads(known.REPORT.read_text(encoding="utf-8"))
    vigil = report["systems"]["vigil"]
    found = load()
    assert found.frames_core.value <= vigil["drain"]["lowest"]
    assert found.frames_core.value <= vigil["sustainable_frames_s"] / report["machine"]["cores"]
    vigil["drain"]["lowest"] = 1_000.0
    assert measured(report).frames_core.value == 1_000.0


@pytest.mark.parametrize("text", ["", "{}", '{"systems": {"vigil": null}}'])
def test_a_report_that_says_too_little_is_told_in_one_line_with_what_to_do(tmp_path, text):
    path = tmp_path / "report.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadData, match="make bench"):
        load(path)


def test_sizes_are_those_of_the_encoders():
    few, many = sizes(1, 2), sizes(2, 7)
    assert many.frame > few.frame > 150
    assert many.patient > few.patient
    alone, together = on_the_log(b"k", b"v" * 50), on_the_log(b"k", b"v" * 50, 64)
    assert 61 + 51 < alone < 61 + 51 + 12  # a batch's head is 61 bytes, a record's some ten
    assert 51 < together < 51 + 12


def test_amounts_are_read_with_prefixes_of_a_thousand():
    assert [scaled(value, "B") for value in (0, 999, 1_000, 2.5e9, 9.996e14)] == [
        *("0 B", "999 B", "1 kB", "2.5 GB", "1,000 TB"),
    ]


def test_each_figure_of_a_plan_is_printed_with_its_reckoning():
    plan = reckon(Site(50_000, 3), SIZES, FOUND)
    text = "\n".join(lines(plan, SIZES, FOUND, reached(plan.site, lambda site: reckon(site, SIZES, FOUND))))
    for figure in plan.figures.values():
        assert f"{figure.name}:" in text
        assert f"= {figure.how}" in text


def test_the_tables_of_the_page_are_what_the_command_says():
    page = (ROOT / "docs" / "sizing.md").read_text(encoding="utf-8")
    inside = re.search(r"<!-- sizing: generated -->\n(.*)<!-- end -->", page, flags=re.S)
    assert inside
    assert inside[1] == tables(), "run: .venv/bin/python -m bench.sizing --tables"


def vigil_plan(*options):
    command = [sys.executable, "-P", "-m", "edge", "plan", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUN_S_MAX)


def test_the_command_prints_json_for_programs_and_refuses_what_no_site_is_like():
    done = vigil_plan("--beds", "500", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["site"]["beds"] == 500
    assert said["figures"]["partitions"]["value"] == 48
    assert said["bounds"][0]["beds"] > 0
    refused = vigil_plan("--beds", "0")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--beds" in refused.stderr
