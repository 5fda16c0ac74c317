"""A log in a file: what was written is read, and a torn one is refused."""

import pytest

from streams.errors import BadData
from streams.kafka.log_file import read_log, write_log

RECORDS = [(0, b"bed-1", b"{}"), (1_000, b"~tick", b""), (2**40, b"", b"\x00\xff")]


def test_records_are_read_as_they_were_written_their_places_being_offsets(tmp_path):
    assert write_log(tmp_path / "log", RECORDS) == 3
    found = [(r.offset, r.timestamp, r.key, r.value) for r in read_log(tmp_path / "log")]
    assert found == [(place, *record) for place, record in enumerate(RECORDS)]


@pytest.mark.parametrize("missing", [1, 5, 12])
def test_a_torn_log_is_refused(tmp_path, missing):
    path = tmp_path / "log"
    write_log(path, [*RECORDS, (3, b"bed-1", b'{"hr": 80}')])
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(BadData, match="record 3"):
        list(read_log(path))


def test_a_log_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadData, match="No such file"):
        list(read_log(tmp_path / "log"))
