"""The spool on disk: kept over a kill at any byte, in order, bounded, the oldest given up first."""

import os
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.gateway.spool import Place, Spool
from streams.errors import UsageError

BYTES_MAX = 1 << 20


def drained(spool: Spool, records_max: int = 3) -> list[bytes]:
    """All that is not done, taken a batch at a time."""
    found: list[bytes] = []
    while (batch := spool.first(records_max)).records:
        found += batch.records
        spool.done(batch.end)
    return found


def filled(folder: Path, records: list[bytes], bytes_max: int = BYTES_MAX) -> None:
    """Leave a folder as a process that was killed leaves it."""
    spool = Spool(folder, bytes_max)
    for record in records:
        spool.add(record)
    spool.close()


@settings(max_examples=30, deadline=None)
@given(records=st.lists(st.binary(max_size=40), max_size=12), step=st.integers(1, 5))
def test_what_was_added_comes_out_in_order_and_once(records: list[bytes], step: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        filled(Path(folder), records)
        spool = Spool(Path(folder), BYTES_MAX)
        assert spool.records == len(records)
        assert drained(spool, step) == records
        spool.add(b"later")
        assert drained(spool) == [b"later"]
        spool.close()


@settings(max_examples=30, deadline=None)
@given(records=st.lists(st.binary(max_size=20), min_size=1, max_size=6), data=st.data())
def test_a_kill_at_any_byte_loses_the_cut_record_alone(records: list[bytes], data: st.DataObject) -> None:
    whole = sum(8 + len(record) for record in records)
    cut = data.draw(st.integers(0, whole))
    with tempfile.TemporaryDirectory() as folder:
        filled(Path(folder), records)
        (segment,) = Path(folder).glob("*.spool")
        segment.write_bytes(segment.read_bytes()[:cut])
        before, size = [], 0
        for record in records:
            size += 8 + len(record)
            before += [record] if size <= cut else []
        spool = Spool(Path(folder), BYTES_MAX)
        spool.add(b"after the kill")
        assert drained(spool) == [*before, b"after the kill"]
        spool.close()


@settings(max_examples=30, deadline=None)
@given(records=st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=6), data=st.data())
def test_a_damaged_byte_never_comes_out_as_a_record(records: list[bytes], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        filled(Path(folder), records)
        (segment,) = Path(folder).glob("*.spool")
        content = bytearray(segment.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        segment.write_bytes(content)
        spool = Spool(Path(folder), BYTES_MAX)
        found = drained(spool)
        assert found == records[: len(found)]
        assert len(found) < len(records)
        assert spool.lost.unreadable_bytes > 0
        spool.close()


@settings(max_examples=30, deadline=None)
@given(done=st.integers(0, 9), cut=st.integers(0, 20))
def test_a_place_that_is_lost_has_records_come_again_and_none_left_out(done: int, cut: int) -> None:
    records = [b"%d" % number for number in range(10)]
    with tempfile.TemporaryDirectory() as folder:
        filled(Path(folder), records)
        spool = Spool(Path(folder), BYTES_MAX)
        if done:
            spool.done(spool.first(done).end)
        spool.close()
        place = Path(folder) / "place"
        kept = place.read_bytes()
        place.write_bytes(kept[:cut])
        spool = Spool(Path(folder), BYTES_MAX)
        assert drained(spool) == (records[done:] if len(kept) <= cut else records)
        spool.close()


def test_a_full_spool_gives_up_the_oldest_and_counts_them(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 80_000)
    records = [b"%08d" % number + bytes(992) for number in range(200)]
    for record in records:
        spool.add(record)
        assert spool.size_bytes <= 80_000
    found = drained(spool)
    assert found == records[-len(found) :]
    assert spool.lost.records == len(records) - len(found)
    assert len(found) * 1_008 > 80_000 * 3 // 4
    spool.close()


def test_a_batch_whose_records_were_given_up_meanwhile_is_done_without_harm(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 8_000)
    spool.add(b"first")
    batch = spool.first(1)
    for number in range(100):
        spool.add(b"%04d" % number + bytes(200))
    kept = spool.records
    spool.done(batch.end)
    assert spool.records == kept
    assert batch.end < spool.first(1).end
    spool.close()


def test_any_sequence_of_adding_taking_and_ending_keeps_order(tmp_path: Path) -> None:
    chance = random.Random(7)
    spool, number, expected = Spool(tmp_path, 400_000), 0, []
    for _ in range(2_000):
        what = chance.random()
        if what < 0.6:
            spool.add(b"%06d" % number + bytes(chance.randrange(300)))
            expected.append(number)
            number += 1
        elif what < 0.95:
            batch = spool.first(chance.randrange(1, 5))
            assert [int(record[:6]) for record in batch.records] == expected[: len(batch.records)]
            spool.done(batch.end)
            del expected[: len(batch.records)]
        else:
            spool.close()
            spool = Spool(tmp_path, 400_000)
    assert [int(record[:6]) for record in drained(spool)] == expected
    spool.close()


def test_segments_that_are_done_leave_the_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 80_000)
    for _ in range(60):
        spool.add(bytes(1_000))
    drained(spool)
    assert len(list(tmp_path.glob("*.spool"))) == 1
    spool.close()


def test_a_record_that_is_too_long_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 8_000)
    with pytest.raises(ValueError, match="longer"):
        spool.add(bytes(spool.record_bytes_max + 1))
    spool.add(bytes(spool.record_bytes_max))
    assert spool.records == 1
    spool.close()


def test_two_processes_never_share_a_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path, BYTES_MAX)
    with pytest.raises(UsageError, match="another gateway"):
        Spool(tmp_path, BYTES_MAX)
    spool.close()
    Spool(tmp_path, BYTES_MAX).close()


def test_a_folder_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot be a spool"):
        Spool(tmp_path / "file", BYTES_MAX)


def test_nothing_is_taken_from_an_empty_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path, BYTES_MAX)
    assert spool.first(10).records == []
    spool.done(Place(0, 0))
    spool.close()


def test_a_segment_that_is_gone_holds_up_nothing_behind_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 80_000)
    for number in range(20):
        spool.add(b"%02d" % number + bytes(1_000))
    min(tmp_path.glob("*.spool")).unlink()
    found = [int(record[:2]) for record in drained(spool)]
    assert found == list(range(20 - len(found), 20))
    assert 0 < len(found) < 20
    assert spool.lost.records == 20 - len(found)
    spool.close()


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def refuse(*_: object) -> int:
    raise OSError(28, "No space left on device")


def test_a_full_disk_costs_what_it_refuses_and_nothing_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    spool, kept = Spool(tmp_path, 80_000), [b"%02d" % number + bytes(1_000) for number in range(15)]
    for record in kept:
        spool.add(record)
    files, size_bytes, segments = open_files(), spool.size_bytes, len(list(tmp_path.glob("*.spool")))
    for full in (lambda handle, content: write(handle, content[: len(content) // 2]), refuse) * 100:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            with pytest.raises(OSError, match=r"No space|a part of it"):
                spool.add(b"refused" + bytes(1_000))
    assert (open_files(), spool.size_bytes, spool.lost.records) == (files, size_bytes, 0)
    assert len(list(tmp_path.glob("*.spool"))) == segments
    spool.add(b"later")
    assert drained(spool) == [*kept, b"later"]
    spool.close()


def test_what_cannot_be_cut_off_hides_nothing_that_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    spool = Spool(tmp_path, 80_000)
    spool.add(b"first")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda handle, content: write(handle, content[:9]))
        patched.setattr(os, "ftruncate", refuse)
        with pytest.raises(OSError, match="No space"):
            spool.add(b"refused")
    spool.add(b"later")
    assert drained(spool) == [b"first", b"later"]
    spool.close()


def test_a_disk_that_does_not_sync_leaves_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, 80_000)
    files = open_files()
    for _ in range(60):
        spool.add(bytes(1_000))
    monkeypatch.setattr(os, "fsync", refuse)
    for _ in range(3):
        with pytest.raises(OSError, match="No space"):
            spool.sync()
    assert open_files() == files
    with pytest.raises(OSError, match="No space"):
        spool.close()
    Spool(tmp_path, 80_000)


def test_where_the_disk_does_not_note_what_is_done_this_process_goes_on_and_the_next_reads_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, found = Spool(tmp_path, 80_000), []
    for number in range(30):
        spool.add(b"%02d" % number + bytes(1_000))
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", refuse)
        while (batch := spool.first(4)).records:
            found += [int(record[:2]) for record in batch.records]
            assert len(found) <= 30
            with pytest.raises(OSError, match="No space"):
                spool.done(batch.end)
    assert (found, spool.records) == (list(range(30)), 0)
    spool.close()
    spool = Spool(tmp_path, 80_000)
    assert spool.records == 30
    drained(spool)
    spool.close()


def test_zeros_that_a_power_cut_left_are_no_records(tmp_path: Path) -> None:
    filled(tmp_path, [b"first"])
    (segment,) = tmp_path.glob("*.spool")
    segment.write_bytes(segment.read_bytes() + bytes(4_096))
    spool = Spool(tmp_path, BYTES_MAX)
    assert (drained(spool), spool.lost.unreadable_bytes) == ([b"first"], 4_096)
    spool.close()


def test_what_comes_after_the_end_is_written_into_no_other_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", BYTES_MAX)
    spool.close()
    others = [(tmp_path / str(number)).open("w+b") for number in range(9)]
    with pytest.raises(OSError, match="Bad file"):
        spool.add(b"late")
    for other in others:
        assert other.read() == b""
        other.close()
