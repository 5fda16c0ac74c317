"""`vigil evaluate`'s check of NEWS2 finds a wrong cell of the judge's chart: the judge is given each of them, once."""

from dataclasses import replace

import numpy as np
import pytest

from agents.judging.verdict import Tally
from agents.offline import judge_log
from clinical import news2 as judged
from clinical.defaults import DEFAULT_RULES
from edge.evaluation.agreement import agreement
from edge.evaluation.early_warning import chart_of, hours_of
from edge.readers import open_recording, parse_columns
from edge.replay_log import replay_entries
from streams.config.settings import Settings
from streams.kafka.log_file import LoggedRecord

EDGES = {  # the values at both sides of each line of the printed chart
    "resp": (8, 9, 11, 12, 20, 21, 24, 25),
    "spo2": (91, 92, 93, 94, 95, 96),
    "nbp_sys": (90, 91, 100, 101, 110, 111, 219, 220),
    "hr": (40, 41, 50, 51, 90, 91, 110, 111, 130, 131),
    "temp": (35.0, 35.1, 36.0, 36.1, 38.0, 38.1, 39.0, 39.1),
}
WELL = {"resp": 15, "spo2": 98, "nbp_sys": 130, "hr": 70, "temp": 37.0}
COLUMNS = "time_s=t,resp=resp,spo2=spo2,nbp_sys=nbp_sys,hr=hr,temp=temp,consciousness=mind,on_oxygen=oxygen"


def cells():
    """Every cell with other points, and every edge a step higher and lower."""
    for name in ("_RESP", "_SPO2_1", "_SBP", "_PULSE", "_TEMP"):
        table = getattr(judged, name)
        for place, found in enumerate(table.points):
            other = (*table.points[:place], found + 1, *table.points[place + 1 :])
            yield pytest.param(name, replace(table, points=other), id=f"{name}-{place}")
        for place, edge in enumerate(table.upto):
            for moved in (edge - 1, edge + 1):
                other = (*table.upto[:place], moved, *table.upto[place + 1 :])
                yield pytest.param(name, replace(table, upto=other), id=f"{name}-edge-{moved}")
    yield pytest.param("_OXYGEN", (0.0, 1.0), id="oxygen")
    yield pytest.param("_ACVPU", (0.0, 2.0), id="consciousness")
    yield pytest.param("MEDIUM_FROM", 6, id="medium-from-6")
    yield pytest.param("HIGH_FROM", 8, id="high-from-8")
    yield pytest.param("RED_POINTS", 4, id="red-from-4")


def charted(folder, rows):
    """A stay of one row an hour, (resp, spo2, sbp, hr, temp) with their letter and oxygen."""
    lines = [",".join(map(str, [3_600 * hour, *row])) for hour, row in enumerate(rows)]
    path = folder / "p1.csv"
    path.write_text("\n".join(["t,resp,spo2,nbp_sys,hr,temp,mind,oxygen", *lines]) + "\n")
    return open_recording(path, parse_columns(COLUMNS))


def hours_by_chart(stay):
    return hours_of(*chart_of(stay), stay.interval_ms, DEFAULT_RULES.news2.inputs_min)


@pytest.fixture(scope="module")
def edges(tmp_path_factory):
    """Each edge of the chart, of a patient who does not wake, and the same hours as the printed chart scores them."""
    rows = [{**WELL, name: value} for name, values in EDGES.items() for value in values]
    rows = [(*row.values(), "V", number % 2) for number, row in enumerate(rows)]
    return np.array([row[:5] for row in rows]).T, hours_by_chart(
        charted(tmp_path_factory.mktemp("edges"), rows)
    )


def as_the_judge_scores(edges):
    (resp, spo2, sbp, pulse, temp), hours = edges
    oxygen, voice = np.arange(len(hours)) % 2.0, np.full(len(hours), 2.0)
    score = judged.news2(resp, spo2, oxygen, sbp, pulse, voice, temp, np.zeros(len(hours), np.bool_))
    return [(int(total), int(band)) for total, band in zip(score.total, score.band, strict=True)]


def test_the_judges_chart_is_the_printed_one_at_each_of_its_edges(edges):
    assert as_the_judge_scores(edges) == [(hour.total, hour.band) for hour in edges[1]]


@pytest.mark.parametrize(("name", "other"), list(cells()))
def test_a_wrong_cell_of_the_judges_chart_differs_from_the_printed_one(edges, monkeypatch, name, other):
    monkeypatch.setattr(judged, name, other)
    assert as_the_judge_scores(edges) != [(hour.total, hour.band) for hour in edges[1]]


@pytest.fixture(scope="module")
def stay(tmp_path_factory):
    """Totals of 8, 6, 5, 3 and an hour that ends the stay."""
    well = (98, 130, 70, 37.0)
    rows = [
        (26, *well, "V", 1),
        (26, *well, "V", 0),
        (15, *well, "V", 1),
        (15, *well, "V", 0),
        (15, *well, "A", 0),
    ]
    return charted(tmp_path_factory.mktemp("stay"), rows)


def checked(stay):
    entries = enumerate(replay_entries([stay]))
    log = [LoggedRecord(offset, entry.ts_ms, entry.key, entry.value) for offset, entry in entries]
    alerts = judge_log(log, DEFAULT_RULES, Settings().patient_ttl_s, Tally())
    return agreement({"p1": hours_by_chart(stay)}, alerts)


def test_the_alarms_of_a_stay_tell_the_totals_and_bands_of_the_printed_chart(stay):
    found = checked(stay)
    assert found.wrong == []
    assert (found.hours, found.totals, found.held, found.complete) == (4, 4, 0, True)


@pytest.mark.parametrize(
    ("name", "other", "wrong"),
    [
        ("_RESP", replace(judged._RESP, points=(3, 1, 0, 2, 2)), "told high, 7; the chart high, 8"),
        ("MEDIUM_FROM", 6, "told low-medium, 5; the chart medium, 5"),
        ("RED_POINTS", 4, "told low; the chart low-medium, 3"),
    ],
)
def test_alarms_by_a_wrong_chart_are_found(stay, monkeypatch, name, other, wrong):
    monkeypatch.setattr(judged, name, other)
    found = checked(stay)
    assert not found.complete
    assert wrong in " ".join(found.wrong)
