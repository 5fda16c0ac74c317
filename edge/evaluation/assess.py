"""The whole evaluation: datasets judged under two rule sets, and what that shows, as plain data for the report."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clinical.losses import UNRELIABLE_S
from clinical.rules import RuleSet
from clinical.scores import NEWS2
from clinical.vitals import SIGNALS
from edge.evaluation.agreement import Agreement, agreement
from edge.evaluation.collapse import Collapse, judge_collapse
from edge.evaluation.compared_load import RuleLine, SetLoad, reduction, removed, rule_lines, set_load
from edge.evaluation.datasets import Dataset, span_ms
from edge.evaluation.early_warning import BandTable, band_table, chart_of, hours_of, is_charted, labels_of
from edge.evaluation.glance import Glance, HighAlarms, high_alarms
from edge.evaluation.judging import Judged, judge_under
from edge.evaluation.labels import Score, alarmed_at, read_labels, score
from edge.evaluation.missing import MissingLine, missing_lines
from edge.evaluation.recorded_episodes import RANK, Episode, episodes_of
from edge.evaluation.restarts import Restart, restarts
from edge.evaluation.series import Series, longest_violation_s, series_of, violated
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.kafka.log_file import write_log

Progress = Callable[[str], None]
Patients = Mapping[str, Mapping[str, Series]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A rule set under its name in the report."""

    name: str
    path: Path
    rules: RuleSet

    def delay_s(self) -> dict[str, float]:
        """Return the delay of every alarm that the set has, by its id."""
        rules, technical = self.rules, self.rules.technical
        delays = {rule.id: rule.delay_s for rule in rules.limits}
        delays |= {rule.id: rule.delay_s for rule in rules.scores}
        delays |= {rule.id: rule.delay_s for rule in rules.trends}
        delays |= {rule.id: rule.delay_s for rule in rules.drifts}
        if rules.news2.enabled:
            delays[NEWS2.id] = rules.news2.delay_s
        if technical.enabled:
            periodic = [signal.name for signal in SIGNALS if signal.periodic]
            delays |= {"silent-device": technical.silent_device_s}
            delays |= dict.fromkeys((f"signal-loss-{name}" for name in periodic), technical.signal_loss_s)
            delays |= dict.fromkeys((f"unreliable-signal-{name}" for name in periodic), UNRELIABLE_S)
            delays |= dict.fromkeys(("identity-conflict", "too-many-devices"), 0.0)
            delays |= dict.fromkeys(("babbling-device", "clock-suspect", "backlog"), technical.device_fault_s)
            delays |= {"check-sensor": technical.check_sensor_s} if technical.check_sensor_s else {}
            told = (("vital-loss", technical.vital_loss_s), ("age-unknown", technical.age_unknown_s))
            delays |= {alarm: delay_s for alarm, delay_s in told if delay_s}
            delays |= {"ward-silent": technical.silent_device_s} if technical.ward_silent else {}
        return delays


@dataclass(frozen=True, slots=True)
class Removed:
    """An alarm of the first set that the second has none for; `violated_s` is its longest unbroken violation."""

    alarm: Episode
    violated_s: float | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """What the labels say: scores by rule set, and every true alarm's pressure.

    `lost` are the recordings of true alarms at which the first set has an alarm and the second has none.
    """

    true_alarms: int
    false_alarms: int
    lost: Sequence[str]
    scores: Mapping[str, Score]
    collapses: Sequence[Collapse]
    no_collapse: Sequence[str]


@dataclass(frozen=True, slots=True)
class Assessment:
    """One dataset under both rule sets; dictionaries are by the rule sets' names, the first one's first."""

    dataset: Dataset
    loads: Mapping[str, SetLoad]
    rules: Sequence[RuleLine]
    removed: Sequence[Removed]
    """Physiological alarms of the first set that the second has none for: by priority, the longest violation first."""
    high: HighAlarms
    restarts: Sequence[Restart]
    missing: Sequence[MissingLine]
    labelled: Labelled | None
    bands: BandTable | None
    bands_agree: Agreement | None
    tallies: Mapping[str, Mapping[str, int]]
    episodes: Mapping[str, Sequence[Episode]]
    patients: Patients

    @property
    def glance(self) -> Glance:
        """Return the figures that a change of the rules is judged by first."""
        before, after = self.loads.values()
        labelled, agree, second = self.labelled, self.bands_agree, list(self.loads)[1]
        return Glance(
            load_reduction=reduction(before.all.alarms, after.all.alarms),
            high_alarms=self.high.alarms,
            high_missing=self.high.missing,
            high_late=self.high.late,
            high_brief=self.high.brief,
            true_alarms=labelled.true_alarms if labelled else None,
            true_alarms_lost=len(labelled.lost) if labelled else None,
            collapses=len(labelled.collapses) if labelled else None,
            collapses_unreported=sum(one.told(second) == "no" for one in labelled.collapses)
            if labelled
            else None,
            news2_hours=agree.hours if agree else None,
            news2_hours_wrong=agree.hours - agree.hours_right if agree else None,
        )


def assess_all(
    datasets: Sequence[Dataset],
    sets: tuple[Chosen, Chosen],
    settings: Settings,
    progress: Progress = lambda line: None,
) -> list[Assessment]:
    """Judge every dataset under both rule sets and assess it.

    Raises:
        VigilError: as `edge.evaluation.judging.judge_under`.
    """
    found = []
    with tempfile.TemporaryDirectory(prefix="vigil-evaluate-") as name:
        folder = Path(name)
        for dataset in datasets:
            records = write_log(folder / "log", dataset.log())
            progress(f"{dataset.name}: {dataset.size}, {records} records")
            judged = judge_under(folder / "log", {one.name: one.path for one in sets}, settings, folder)
            found.append(assess(dataset, sets, judged))
    return found


def assess(dataset: Dataset, sets: tuple[Chosen, Chosen], judged: Mapping[str, Judged]) -> Assessment:
    """Return what the alerts of both rule sets show about one dataset."""
    spans = {recording.patient: span_ms(recording) for recording in dataset.recordings}
    episodes = {one.name: episodes_of(judged[one.name].alerts, spans) for one in sets}
    first, second = (episodes[one.name] for one in sets)
    delays = tuple(one.delay_s() for one in sets)
    hours = dataset.patient_hours
    patients = {recording.patient: series_of(recording) for recording in dataset.recordings}
    intervals = {recording.patient: recording.interval_ms for recording in dataset.recordings}
    gone = removed(first, second)
    bands, agree = _bands(dataset, sets[1], judged[sets[1].name].alerts)
    return Assessment(
        dataset=dataset,
        loads={name: set_load(some, list(spans), hours, delays[1]) for name, some in episodes.items()},
        rules=rule_lines((first, second), hours, (delays[0], delays[1])),
        removed=_removed(sets[0], gone, patients),
        high=high_alarms(first, second, delays[1], intervals, _outside_s(sets[0], patients)),
        restarts=restarts(patients, sets[1].rules.limits, second),
        missing=missing_lines(patients, episodes),
        labelled=_labelled(dataset, sets, episodes, patients),
        bands=bands,
        bands_agree=agree,
        tallies={one.name: judged[one.name].tally for one in sets},
        episodes=episodes,
        patients=patients,
    )


def _outside_s(chosen: Chosen, patients: Patients) -> Callable[[Episode], float]:
    """Return a function: how long after an alarm's onset its last reading outside came, s; of other alarms, its end."""
    rules = {rule.id: rule for rule in chosen.rules.limits}

    def outside_s(one: Episode) -> float:
        if one.signal is None or one.rule not in rules or one.signal not in patients[one.patient]:
            return one.duration_s
        series = patients[one.patient][one.signal].between(one.onset_ms, one.end_ms)
        last_ms = series.t_ms[violated(series, rules[one.rule])].max(initial=one.onset_ms)
        return float(last_ms - one.onset_ms) / 1000

    return outside_s


def _removed(chosen: Chosen, gone: Sequence[Episode], patients: Patients) -> list[Removed]:
    rules = {rule.id: rule for rule in chosen.rules.limits}
    found = []
    for one in gone:
        if one.type != "physiological":
            continue
        violated_s = None
        if one.signal is not None and one.rule in rules and one.signal in patients[one.patient]:
            series = patients[one.patient][one.signal].between(one.onset_ms, one.end_ms)
            violated_s = longest_violation_s(series, rules[one.rule])
        found.append(Removed(one, violated_s))
    return sorted(
        found, key=lambda own: (-RANK[own.alarm.priority], -(own.violated_s or 0.0), -own.alarm.duration_s)
    )


def _labelled(
    dataset: Dataset,
    sets: tuple[Chosen, Chosen],
    episodes: Mapping[str, Sequence[Episode]],
    patients: Patients,
) -> Labelled | None:
    held = read_labels(dataset.folder)
    labels = {name: label for name, label in held.items() if name in patients}
    if not labels:
        return None
    true = [name for name, label in labels.items() if label]
    limits = {one.name: one.rules.limits for one in sets}
    alarmed = {name: alarmed_at(some) for name, some in episodes.items()}
    collapses, without = [], []
    for patient in true:
        own = {name: [one for one in some if one.patient == patient] for name, some in episodes.items()}
        collapse = judge_collapse(patient, patients[patient], limits, own)
        if collapse is None:
            without.append(patient)
        else:
            collapses.append(collapse)
    return Labelled(
        true_alarms=len(true),
        false_alarms=len(labels) - len(true),
        lost=sorted(set(true) & alarmed[sets[0].name] - alarmed[sets[1].name]),
        scores={name: score(labels, some) for name, some in episodes.items()},
        collapses=collapses,
        no_collapse=without,
    )


def _bands(
    dataset: Dataset, chosen: Chosen, alerts: Sequence[Alert]
) -> tuple[BandTable | None, Agreement | None]:
    charted = [recording for recording in dataset.recordings if is_charted(recording)]
    if not charted or not chosen.rules.news2.enabled:
        return None, None
    inputs_min = chosen.rules.news2.inputs_min
    hours = {one.patient: hours_of(*chart_of(one), one.interval_ms, inputs_min) for one in charted}
    labels = {one.patient: own for one in charted if (own := labels_of(one))}
    return band_table(hours, labels), agreement(hours, alerts)
