"""A rota in CSV: each wrong row is told with its line, and nothing of such a file is taken."""

from datetime import UTC, datetime

import pytest

from edge.rota import FAULTS_MAX, KEPT_MS, assign, make_assignment, outdated, read_rota
from streams.config.settings import Settings
from streams.errors import UsageError

HEAD = "place,role,person,from,until"
GOOD = "~ward/north,nurse,n-1,2026-03-01T07:00+01:00,2026-03-01T15:30+01:00"


def ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def read(tmp_path, *rows, head=HEAD):
    path = tmp_path / "rota.csv"
    path.write_text("\n".join([head, *rows]), encoding="utf-8")
    return [row.said for row in read_rota(path, "desk-1")]


def test_rows_become_assignments_in_the_time_of_their_zone(tmp_path):
    said, other = read(tmp_path, GOOD, "", 'bed-7,"charge-nurse",c-1,2026-03-01T06:00Z,2026-03-01T14:00Z')
    assert (said.place, said.role, said.person, said.reporter) == ("~ward/north", "nurse", "n-1", "desk-1")
    assert (said.from_ts_ms, said.until_ts_ms) == (ms("2026-03-01T06:00"), ms("2026-03-01T14:30"))
    assert (other.place, other.role) == ("bed-7", "charge-nurse")


def test_what_a_spreadsheet_puts_before_the_text_does_not_matter(tmp_path):
    assert len(read(tmp_path, GOOD, head="\N{ZERO WIDTH NO-BREAK SPACE}Place, Role ,person,from,until")) == 1


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (GOOD.replace("T07:00+01:00", "T07:00"), "line 3: from: '2026-03-01T07:00' has no zone"),
        (GOOD.replace("2026-03-01T15:30+01:00", "soon"), "line 3: until: 'soon' is no time such as"),
        (GOOD.replace("n-1", ""), "line 3: person: should be 1 to 64 printable characters"),
        (GOOD.replace("15:30", "06:00"), "line 3: until: should be later than from"),
        (GOOD.replace("2026-03-01T15:30", "2027-03-01T15:30"), "line 3: until: more than 31 days after from"),
        (GOOD + ",more", "line 3: 6 columns, should be 5"),
        (GOOD, "line 3: says again what line 2 says"),
        ('~ward/north,"nurse', "line 3: unexpected end of data"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(tmp_path, row, complaint):
    with pytest.raises(UsageError) as caught:
        read(tmp_path, GOOD, row)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_wrong_rows_are_told_at_once_up_to_a_bound(tmp_path):
    with pytest.raises(UsageError, match=r"line 2: .*line 3: .*; 5 more$"):
        read(tmp_path, *["a,b"] * (FAULTS_MAX + 5))


@pytest.mark.parametrize("head", ["", "place,role", "place;role;person;from;until"])
def test_other_columns_are_refused(tmp_path, head):
    with pytest.raises(UsageError, match="line 1: the columns should be place,role,person,from,until"):
        read(tmp_path, GOOD, head=head)


def test_a_file_without_rows_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no rows"):
        read(tmp_path)


def test_what_ended_long_ago_is_outdated():
    old, new = (make_assignment("bed-1", "nurse", who, 1_000, 2_000, "desk") for who in ("n-1", "n-2"))
    new = new.model_copy(update={"until_ts_ms": 3_000})
    assert outdated({b"old": old, b"new": new}, KEPT_MS + 2_500) == [b"old"]


def test_a_shift_that_is_over_already_is_refused_before_anything_is_sent():
    said = make_assignment("bed-1", "nurse", "n-1", 1, 2, "engineer-1")
    with pytest.raises(UsageError, match="is over already"):
        assign(Settings(brokers="127.0.0.1:1"), said, {}, 1_000)
