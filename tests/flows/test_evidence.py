"""What the rule sets must show on recordings of real patients: see docs/evidence.md."""

from pathlib import Path

import pytest

from edge.evaluation.assess import Chosen, assess_all
from edge.evaluation.datasets import find_datasets
from streams.config.rules_file import load_rules
from streams.config.rulesets import path_of
from streams.config.settings import Settings

SETS = tuple(Chosen(name, path_of(Path(name)), load_rules(Path(name))) for name in ("classic", "vigil"))

pytestmark = pytest.mark.recordings


def assessed(paths):
    (found,) = assess_all(find_datasets(paths), SETS, Settings())
    return found


def test_every_pressure_collapse_of_a_true_alarm_is_told_or_it_is_said_why_not(recordings):
    labelled = assessed(recordings("vt-alarms-2015/v*")).labelled
    assert (labelled.true_alarms, labelled.false_alarms) == (22, 59)
    assert len(labelled.collapses) + len(labelled.no_collapse) == 22
    for collapse in labelled.collapses:
        assert collapse.told("classic") != "no"
        assert collapse.told("vigil") != "no" or "delay" in collapse.crossed["vigil"]


def test_zeros_of_a_recording_raise_technical_alarms_and_never_one_of_the_patients(recordings):
    found = assessed(recordings("mimic-numerics/*.csv"))
    missing = {line.signal: line for line in found.missing}
    assert (missing["abp_sys"].missing, missing["spo2"].missing, missing["hr"].missing) == (1929, 363, 46)
    for line in missing.values():
        assert min(line.technical.values()) > 0
        assert set(line.physiological.values()) == {0}
    for episodes in found.episodes.values():
        assert not {one.rule for one in episodes} & {"asystole", "apnoea-reported", "spo2-desat", "spo2-low"}


def test_news2_alarms_tell_the_totals_and_bands_of_the_printed_chart_in_every_scored_hour(recordings):
    found = assessed(recordings("sepsis-2019/p10000*.psv"))
    assert found.bands_agree.wrong == []
    assert found.bands_agree.complete
    assert found.bands_agree.hours > 100
    assert found.bands_agree.totals > 30
    assert found.bands.oldest_input_h < 2


def test_no_high_alarm_of_classic_is_missing(recordings):
    found = assessed(recordings("bidmc/*_Numerics.csv")).glance
    assert (found.high_alarms > 0, found.high_missing) == (True, 0)
