"""The dashboards: written by the program, read by Grafana's own types, and every expression asks for what is there."""

import json
import re
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from shown_metrics import OF_THE_SCRAPE, PATIENT_LABELS, asked, labels_left, registries, shown, shown_by_all

from edge.dashboards.__main__ import DASHBOARDS, main, texts
from edge.dashboards.grafana_json import COLUMNS, document

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "grafana"
SHOWN = shown_by_all()
PANELS = [
    pytest.param(panel, id=f"{one.name}: {panel.title}")
    for one in DASHBOARDS
    for row in one.rows
    for panel in row.panels
]
QUERIES = [
    pytest.param(query, id=f"{one.name}: {panel.title}: {query.legend}")
    for one in DASHBOARDS
    for row in one.rows
    for panel in row.panels
    for query in panel.queries
]

plugins.register_default_plugins()


def read_back(content):
    """Return a dashboard as Grafana's own types have read it: what they do not know is gone."""
    return json.loads(JSONEncoder().encode(Dashboard.from_json(content)))


def lost(ours, theirs, path=""):
    """Return what of ours is missing or other in theirs."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            fault
            for key, value in ours.items()
            for fault in (lost(value, theirs[key], f"{path}/{key}") if key in theirs else [f"{path}/{key}"])
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            fault
            for place, (one, other) in enumerate(zip(ours, theirs, strict=True))
            for fault in lost(one, other, f"{path}/{place}")
        ]
    return [] if ours == theirs else [path]


def test_the_files_are_what_the_program_writes(tmp_path):
    (tmp_path / "vigil-gone.json").write_text("{}")
    main(tmp_path)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert written == texts()
    shipped = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert shipped == written, "run make dashboards"
    assert {"vigil-wards.json", "vigil-workers.json", "vigil-gateways.json", "vigil-delivery.json"} == set(
        shipped
    )


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
def test_grafanas_own_types_know_everything_in_it(dashboard):
    content = json.loads(json.dumps(document(dashboard)))
    assert lost(content, read_back(content)) == []


def test_a_word_that_grafana_does_not_know_is_found():
    content = json.loads(json.dumps(document(DASHBOARDS[0])))
    content["panels"][1]["options"]["colourMode"] = "value"
    content["panels"][1]["targets"][0]["expression"] = "up"
    assert lost(content, read_back(content)) == [
        "/panels/1/targets/0/expression",
        "/panels/1/options/colourMode",
    ]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
def test_no_panel_covers_another_or_leaves_the_grid(dashboard):
    panels = document(dashboard)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert max(x for x, _ in cells) < COLUMNS
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize("panel", PANELS)
def test_queries_of_a_panel_are_told_apart(panel):
    assert 0 < len(panel.queries) <= 26
    assert len({query.legend for query in panel.queries}) == len(panel.queries)


@pytest.mark.parametrize("query", QUERIES)
def test_what_a_panel_asks_for_is_shown_by_a_process(query):
    found = asked(query.expr)
    assert found.names
    assert found.faults(SHOWN) == []


@pytest.mark.parametrize("query", QUERIES)
def test_labels_in_a_legend_are_left_by_the_expression_and_name_all_that_is_left(query):
    named = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
    left = labels_left(query.expr)
    if left is None:  # as it is scraped
        [name] = asked(query.expr).names
        assert SHOWN.labels[name] <= named <= SHOWN.labels[name] | OF_THE_SCRAPE
    else:
        assert named == left
    assert not named & PATIENT_LABELS


def test_every_metric_of_every_process_is_on_a_dashboard():
    seen = {name for one in QUERIES for name in asked(one.values[0].expr).names}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in seen}
    unseen = {
        job: sorted(names)
        for job, registry in registries().items()
        if job != "vigil-shadow"
        and (
            names := {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown(registry).labels} - families
        )
    }
    assert unseen == {}
