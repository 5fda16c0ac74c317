"""The report's figures against a plain count, its shifts, its page and the cells of its CSV."""

import csv
import io
import re
from collections import Counter
from datetime import UTC, datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from alert_of import alert_of
from hypothesis import given
from hypothesis import strategies as st

from edge.reports.episodes import episodes_of
from edge.reports.figures import figures, percentile
from edge.reports.page import page
from edge.reports.shifts import DEFAULT, Rota, Shift
from edge.reports.stays import Said, Stays, accepted, pauses
from edge.reports.table_file import table_file
from streams.contracts.command import Admit, Answer, Pause, Transfer
from streams.contracts.reference import BedFacts, Reference, WardFacts

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FROM_MS = round(datetime(2026, 3, 27, tzinfo=UTC).timestamp() * 1000)
UNTIL_MS = FROM_MS + 4 * DAY_MS
"""Over the night in which Europe puts its clocks forward."""

VIENNA = ZoneInfo("Europe/Vienna")
ROTA = Rota.of(DEFAULT)


def alert(episode, number, phase, at_ms, onset_ms=None, **said):
    given = {"patient": "bed-1", "rule": "hr-high", "priority": "medium", "type": "physiological", **said}
    return alert_of(
        id=f"{episode}-{number}",
        episode=episode,
        phase=phase,
        onset_ts_ms=at_ms if onset_ms is None else onset_ms,
        event_ts_ms=at_ms,
        append_ts_ms=at_ms,
        **given,
    )


@st.composite
def histories(draw):
    """Return alerts of episodes: some acknowledged, some over, some begun before the time."""
    alerts = []
    for i in range(draw(st.integers(0, 25))):
        begins = draw(st.integers(FROM_MS - DAY_MS, UNTIL_MS - 1))
        said = {
            "patient": draw(st.sampled_from(("bed-1", "bed-2", "bed-3"))),
            "rule": draw(st.sampled_from(("hr-high", "spo2-low", "signal-loss-hr"))),
            "priority": draw(st.sampled_from(("high", "medium", "low"))),
        }
        said["type"] = "technical" if said["rule"].startswith("signal") else "physiological"
        known, over = (draw(st.none() | st.integers(1, 2 * HOUR_MS)) for _ in range(2))
        name = f"{i:016x}"
        alerts.append(alert(name, 0, "start", begins, **said))
        if known:
            for number, at in ((1, begins + known), (3, begins + 2 * known)):  # again, when it was worse
                alerts.append(alert(name, number, "update", at, begins, acknowledged_by="n7", **said))
        if over:
            alerts.append(alert(name, 2, "end", begins + over, begins, state="inactive", **said))
    return draw(st.permutations(alerts + alerts[:3]))  # some are delivered twice, all in any order


def made(alerts, paused=(), ward_at=lambda patient, ts_ms: "icu" if patient != "bed-3" else ""):
    return figures(list(episodes_of(alerts)), paused, FROM_MS, UNTIL_MS, ROTA, ward_at, lambda name: VIENNA)


def local_shift(ts_ms):
    """Count the shift plainly: by the hour that the ward's clock shows."""
    local = datetime.fromtimestamp(ts_ms / 1000, VIENNA)
    number = 0 if 6 <= local.hour < 14 else 1 if 14 <= local.hour < 22 else 2
    day = local.date()
    return Shift(day if local.hour >= 6 else day.fromordinal(day.toordinal() - 1), number)


@given(histories())
def test_load_by_bed_and_shift_is_the_plain_count(alerts):
    starts = {one.episode: one for one in alerts if one.phase == "start"}.values()
    counted = Counter(
        ("icu" if one.patient != "bed-3" else "", one.patient, local_shift(one.append_ts_ms))
        for one in starts
        if one.append_ts_ms >= FROM_MS
    )
    found = made(alerts)
    cells = {
        (ward.ward, bed.patient, shift): cell.total
        for ward in found.wards
        for bed in ward.beds
        for shift, cell in bed.cells.items()
    }
    assert cells == counted
    assert found.episodes == sum(counted.values())
    assert sum(sum(counts.values()) for _, counts in found.rules) == found.episodes


@given(histories())
def test_times_to_acknowledge_are_the_plain_count(alerts):
    found, times = made(alerts), []
    for start in {one.episode: one for one in alerts if one.phase == "start"}.values():
        known = [
            one.append_ts_ms
            for one in alerts
            if one.episode == start.episode and one.acknowledged_by is not None
        ]
        if known and start.append_ts_ms >= FROM_MS:
            times.append((min(known) - start.append_ts_ms) / 1000)
    own = found.answers["all"]
    assert own.acknowledged == len(times)
    for value, share in ((own.median_s, 0.5), (own.p90_s, 0.9)):
        if not times:
            assert value is None
            continue
        assert value in times
        assert sum(one <= value for one in times) >= share * len(times)
        assert sum(one < value for one in times) < share * len(times)


def test_percentiles_are_of_the_nearest_rank():
    assert percentile([], 0.5) is None
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(list(range(1, 11)), 0.9) == 9


def test_an_alarm_that_is_not_over_lasts_to_the_end_of_the_time_and_is_counted_as_open():
    found = made([alert("a" * 16, 0, "start", UNTIL_MS - 60_000)])
    assert found.still_open == 1
    assert found.longest[0].lasted_s(UNTIL_MS) == 60


def test_an_escalated_alarm_counts_with_its_highest_priority():
    events = [
        alert("a" * 16, 0, "start", FROM_MS),
        alert("a" * 16, 1, "escalate", FROM_MS + 5, FROM_MS, priority="high"),
    ]
    (ward,) = made(events).wards
    assert ward.counts == Counter(high=1)


@pytest.mark.parametrize("texts", [(), ("14:00", "06:00"), ("06:00", "06:00"), ("25:00",), ("06:00+01:00",)])
def test_a_rota_that_is_none_is_refused(texts):
    with pytest.raises(ValueError, match=r".+"):
        Rota.of(texts)


@given(st.integers(0, 4_000_000_000_000), st.sets(st.integers(0, 1439), min_size=1, max_size=5))
def test_a_moment_lies_in_the_shift_that_began_last(ts_ms, minutes):
    rota = Rota.of(tuple(f"{m // 60:02}:{m % 60:02}" for m in sorted(minutes)))
    shift = rota.at(ts_ms, ZoneInfo("Asia/Kathmandu"))  # whose clock is never changed
    begins_ms = rota.begins_ms(shift, ZoneInfo("Asia/Kathmandu"))
    assert begins_ms <= ts_ms < begins_ms + DAY_MS


def test_shifts_of_the_night_when_clocks_change_are_still_shifts():
    day = ROTA.between(FROM_MS, UNTIL_MS, VIENNA)
    assert len(day) == len(set(day)) == 13
    night = next(shift for shift in day if (shift.day.day, shift.number) == (28, 2))
    after = next(shift for shift in day if (shift.day.day, shift.number) == (29, 0))
    assert ROTA.begins_ms(after, VIENNA) - ROTA.begins_ms(night, VIENNA) == 7 * HOUR_MS


def order(kind, id_, **said):
    return kind(id=id_, patient="bed-1", actor="n", issued_ts_ms=0, **said)


def answered(id_, at_ms, outcome="accepted"):
    said = {"patient": "bed-1", "command": "x", "reason": "", "offset": 0}
    return Answer(id=id_, outcome=outcome, append_ts_ms=at_ms, **said)


def test_the_ward_is_that_of_the_time_and_unknown_before_the_first_order_that_was_read():
    orders = [order(Admit, "1", ward="icu"), order(Transfer, "2", ward="er"), order(Transfer, "3", ward="x")]
    said = accepted(
        orders, [answered("1", 10), answered("2", 20), answered("2", 21), answered("3", 30, "refused")]
    )
    stays = Stays(said, {"bed-1": "er", "bed-2": "icu"})
    assert [stays.ward_at("bed-1", at) for at in (9, 10, 19, 20, 99)] == ["", "icu", "icu", "er", "er"]
    assert (stays.ward_at("bed-2", 5), stays.ward_at("bed-3", 5)) == ("icu", "")


def test_pauses_and_what_holds_others_back_are_told_with_their_reasons():
    said = [
        Said(order(Pause, "1", mode="alarm-off", reason="transport"), 1),
        Said(order(Pause, "2", mode="alarm-off", reason="transport"), 2),
        Said(order(Pause, "3"), 3),
    ]
    notice = "alarms: alarm-off by n for 60 s; alarms withheld: 4, silent: 1"
    alerts = [
        alert("a" * 16, 0, "start", FROM_MS, rule="alarms-paused", type="advisory", priority="low"),
        alert("a" * 16, 1, "continue", FROM_MS + 60_000, FROM_MS, rule="alarms-paused", reason=notice),
        alert("b" * 16, 0, "start", FROM_MS, rule="check-sensor", type="technical"),
        alert("b" * 16, 1, "end", FROM_MS + 9_000, FROM_MS, rule="check-sensor", type="technical"),
        alert("c" * 16, 0, "start", FROM_MS, inactivation="audio-paused"),
    ]
    found = {one.why: one for one in made(alerts, pauses(said)).withheld}
    assert (found["alarm-off"].times, found["audio-paused"].times) == (2, 1)
    assert found["all pauses"].most == 4
    assert (found["check-sensor"].times, found["check-sensor"].lasted_s) == (1, 9)
    assert found["audio pause"].times == 1
    assert made(alerts, pauses(said)).off_reasons == (("transport", 2),)


EVIL = "<script>alert(1)</script>"


def reference():
    facts = [
        WardFacts(ward="icu", name=f"{EVIL} & sons", reporter="r"),
        BedFacts(patient="bed-1", label="=HYPERLINK(1)", reporter="r"),
    ]
    return Reference().changed({fact.key: fact for fact in facts})


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.open = Counter(), set(), []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page_of(alerts, paused=()):
    return page(made(alerts, paused), ROTA, reference(), lambda name: VIENNA, UNTIL_MS, "report.csv")


def test_the_page_is_whole_has_no_script_asks_for_nothing_and_shows_names_as_text():
    off = Said(order(Pause, "1", mode="alarm-off", reason=EVIL), 1)
    alerts = [
        alert("a" * 16, 0, "start", FROM_MS, reason=EVIL, rule="<b>"),
        alert("a" * 16, 1, "update", FROM_MS + 9, FROM_MS, acknowledged_by="n<i>7", reason=EVIL, rule="<b>"),
    ]
    text = page_of(alerts, pauses([off]))
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert not tags.tags.keys() & {"script", "img", "link", "iframe", "form", "b1"}
    assert not {name for name in tags.attributes if name.startswith("on") or name in ("src", "href", "style")}
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    assert EVIL not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; sons" in text
    assert "n<i>7" not in text
    assert not re.search(r"url\(|@import|https?:", text)


def test_a_page_of_nothing_says_so():
    text = page_of([])
    assert "<b>0</b>alarms" in text
    assert "Nothing: no pause" in text


def test_the_csv_has_the_cells_of_the_page_and_no_formula():
    alerts = [
        alert("a" * 16, 0, "start", FROM_MS + 7 * HOUR_MS),
        alert("b" * 16, 0, "start", FROM_MS + 8 * HOUR_MS),
    ]
    text = table_file(made(alerts), ROTA, reference(), lambda name: VIENNA)
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["ward"], row["bed"], row["all"]) == ("icu", "'=HYPERLINK(1)", "2")
    assert (row["shift_begins"], row["shift"]) == ("2026-03-27T06:00:00+01:00", "06:00-14:00")
