"""Compiled code is never stale, never compiled late, and needs no folder."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numba
import pytest

from streams import engine
from streams.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import logging, sys
from pathlib import Path
from clinical.kernels.above import above
from streams import engine
logging.basicConfig(level="INFO", stream=sys.stderr, format="%(levelname)s %(message)s")
if len(sys.argv) > 2:
    engine.fingerprint = lambda: sys.argv[2]
folder = engine.prepare("numba", Path(sys.argv[1]))
print(above(95), folder, sum(above.stats.cache_hits.values()))
"""


OWN_FILES = re.compile(r"from clinical\.kernels import \w+, [\w, ]+\n\n    return [\w, ]+")
"""The house's own kernels, which take half a minute."""


@pytest.fixture
def house(tmp_path):
    """A copy of what compiles, with a kernel in one file whose limit stands in another."""
    for folder in ("clinical", "streams"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    kernels = tmp_path / "clinical" / "kernels"
    for name, body in {
        "limit": "def limit():\n    return 90\n",
        "above": "def above(value):\n    return value > limit()\n",
    }.items():
        others = "from clinical.kernels.limit import limit\n" if name == "above" else ""
        text = f"from clinical.kernels.compiled import kernel\n{others}\n\n@kernel\n{body}"
        (kernels / f"{name}.py").write_text(text, encoding="utf-8")
    with (kernels / "above.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef compile_ahead():\n    above(1)\n")
    (tmp_path / "run.py").write_text(SCRIPT, encoding="utf-8")
    engine_file = tmp_path / "streams" / "engine.py"
    text, count = OWN_FILES.subn(
        "from clinical.kernels import above\n\n    return (above,)", engine_file.read_text(encoding="utf-8")
    )
    assert count == 1
    engine_file.write_text(text, encoding="utf-8")
    return tmp_path


def run(house, *arguments):
    """Return what the script says in a process without a home: the answer, where code is kept, how much was there."""
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(house), "HOME": "/nonexistent"}
    command = [sys.executable, "run.py", *map(str, arguments)]
    done = subprocess.run(command, cwd=house, env=path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answer, folder, hits = done.stdout.split()
    return answer == "True", folder, int(hits), done.stderr


def change_the_limit(house):
    limit = house / "clinical" / "kernels" / "limit.py"
    limit.write_text(limit.read_text(encoding="utf-8").replace("90", "99"), encoding="utf-8")


def test_a_limit_that_changes_in_one_file_changes_what_another_one_finds(house):
    is_above, folder, _, _ = run(house, house / "data")
    assert is_above
    assert run(house, house / "data")[:2] == (True, folder)
    change_the_limit(house)
    is_above, other, _, _ = run(house, house / "data")
    assert not is_above
    assert other != folder


def test_another_process_compiles_and_this_one_takes_what_it_made(house):
    _, folder, hits, said = run(house, house / "data")
    assert (hits, (Path(folder) / engine.WHOLE).exists()) == (1, True)
    assert "WARNING" not in said


def test_what_no_other_process_could_compile_is_compiled_by_this_one_and_logged(house):
    text = (house / "streams" / "engine.py").read_text(encoding="utf-8")
    before = '    print(f"compiled code is in'
    assert before in text
    (house / "streams" / "engine.py").write_text(
        text.replace(before, '    sys.exit("broken")\n' + before), encoding="utf-8"
    )
    is_above, _, hits, said = run(house, house / "data")
    assert (is_above, hits) == (True, 0)
    assert "WARNING no other process could compile the kernels: exit 1, broken" in said


@pytest.mark.parametrize("is_whole", [True, False])
def test_code_that_a_power_cut_left_cut_off_is_made_anew_by_another_process(house, is_whole):
    _, folder, _, _ = run(house, house / "data")
    files = list(Path(folder).rglob("*.nb?"))
    assert files
    for path in files:
        path.write_bytes(b"")
    if not is_whole:
        (Path(folder) / engine.WHOLE).unlink()
    is_above, again, hits, said = run(house, house / "data")
    assert (is_above, again, hits) == (True, folder, 1)
    assert ("cannot be loaded and is made anew" in said) == is_whole
    assert "no other process" not in said
    assert all(path.stat().st_size for path in files)


def test_kernels_that_cannot_be_compiled_are_one_line_that_names_the_way_out(house):
    above = house / "clinical" / "kernels" / "above.py"
    above.write_text(above.read_text(encoding="utf-8").replace("value > limit()", "value + 'text'"))
    with pytest.raises(AssertionError, match=r"VigilError: engine: kernels cannot be compiled .*; use numpy"):
        run(house, house / "data")


def test_a_folder_of_the_data_that_is_named_from_here_is_the_same_for_who_compiles(house):
    (house / "elsewhere").mkdir()
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(house), "HOME": "/nonexistent"}
    command = [sys.executable, "../run.py", "data"]
    done = subprocess.run(
        command, cwd=house / "elsewhere", env=path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert (house / "elsewhere" / "data" / "kernels").is_dir()
    assert done.stdout.split()[2] == "1"


def test_numba_by_itself_would_go_on_with_the_old_limit(house):
    assert run(house, house / "data", "same")[0]
    change_the_limit(house)
    assert run(house, house / "data", "same")[0]  # if this fails, folders need their names no more


def test_without_a_folder_that_can_be_written_it_is_compiled_for_the_process_and_logged(house):
    (house / "data").write_text("no folder")
    is_above, folder, _, said = run(house, house / "data")
    assert (is_above, folder) == (True, "None")
    assert "WARNING no folder for compiled code can be written" in said
    assert not list(house.rglob("*.nbi"))


def test_what_was_compiled_ahead_is_used_where_it_lies_and_copied_where_it_cannot_be_written(
    tmp_path, monkeypatch
):
    name, kept = engine.fingerprint(), tmp_path / "data" / "kernels"
    monkeypatch.setattr(engine, "AHEAD", tmp_path / "ahead")
    (tmp_path / "ahead" / name / "of-a-file").mkdir(parents=True)
    (tmp_path / "ahead" / name / "of-a-file" / "code").write_bytes(b"code")
    assert engine._folder(kept) == tmp_path / "ahead" / name
    can_write = engine._can_write
    monkeypatch.setattr(
        engine, "_can_write", lambda folder: "ahead" not in folder.parts and can_write(folder)
    )
    for _ in range(2):
        assert engine._folder(kept) == kept / name
        assert [path.read_bytes() for path in kept.rglob("code")] == [b"code"]
    assert list(kept.iterdir()) == [kept / name]


def test_code_of_other_sources_is_removed_after_a_day_of_disuse(tmp_path):
    kept = tmp_path / "kernels"
    before_s = time.time() - engine.KEPT_S
    for name, used_s in (("old", before_s - 60), ("lately", before_s + 60)):
        (kept / name / "of-a-file").mkdir(parents=True)
        os.utime(kept / name, (used_s, used_s))
    own = kept / engine.fingerprint()
    own.mkdir()
    os.utime(own, (1, 1))
    assert engine._folder(kept) in (own, engine.AHEAD / own.name)
    engine._remove_old(kept, own)
    assert {path.name for path in kept.iterdir()} == {"lately", own.name}


def test_old_code_that_another_process_removes_at_the_same_time_is_no_fault(tmp_path):
    gone = tmp_path / "gone"
    gone.symlink_to(tmp_path / "nowhere")
    engine._remove_old(tmp_path, tmp_path / "own")
    assert gone.is_symlink()


def test_the_name_of_the_folder_holds_all_that_code_depends_on(tmp_path, monkeypatch):
    sources = tmp_path / "kernels"
    shutil.copytree(engine.SOURCES, sources)
    found = [engine.fingerprint(), engine.fingerprint(sources)]
    assert found[0] == found[1]
    with (sources / "record_batch.py").open("a", encoding="utf-8") as file:
        file.write("#")
    found.append(engine.fingerprint(sources))
    (sources / "another.py").touch()
    found.append(engine.fingerprint(sources))
    for of, name, value in (
        (numba, "__version__", "9"),
        (engine.platform, "machine", lambda: "z80"),
        (numba.config, "CPU_NAME", "generic"),
        (numba.config, "CPU_FEATURES", "+avx"),
    ):
        monkeypatch.setattr(of, name, value)
        found.append(engine.fingerprint(sources))
    assert len(set(found)) == len(found) - 1


def test_an_engine_that_is_asked_for_by_name_and_not_there_is_refused_and_auto_does_without(
    tmp_path, monkeypatch
):
    assert engine.is_compiled("auto")
    assert not engine.is_compiled("numpy")
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not engine.is_compiled("auto")
    assert engine.prepare("auto", tmp_path) is None
    with pytest.raises(UsageError, match=r"^engine: numba cannot be imported .*; use auto or numpy$"):
        engine.prepare("numba", tmp_path)


def test_every_file_of_kernels_is_compiled_ahead():
    files = {path.stem for path in engine.SOURCES.glob("*.py") if "def compile_ahead(" in path.read_text()}
    assert {file.__name__.split(".")[-1] for file in engine.kernel_files()} == files


def test_nothing_is_compiled_when_frames_are_worked_off(tmp_path):
    code = """
import sys
from pathlib import Path
from streams.engine import decoder_of, prepare
prepare("numba", Path(sys.argv[1]))
from clinical.kernels.compiled import KERNELS
from fetched_log import ONE, batch, fetched
from streams.lane.checksums import CheckedRecords
from streams.lane.fetched import Batches, Opening
from streams.lane.raw_batches import open_raw
from streams.decoding.raw_records import ReadRecord
def compiled():
    return [(kernel.__name__, kernel.signatures, sum(kernel.stats.cache_misses.values())) for kernel in KERNELS]
before = compiled()
decoder = decoder_of("numba")
opening = Opening(frozenset(), print, raw={ONE.topic: open_raw})
at = 0
for codec in (0, 1, 0, 2, 3, 4):
    data, at = batch(at, [1] * 5, codec=codec, key=b"bed-1")
    (stretch,) = Batches(fetched(bytes(data), at - 5, of=CheckedRecords), opening)
    for part in (stretch[:], stretch[1:2], stretch[2:]):
        decoder.decode(part)
value = b'{"patient":"bed-%d","device":"mon","boot":1,"seq":1,"event_ts_ms":5,"hr":60.5,"consciousness":"A"}'
for i in range(3_000):
    decoder.decode([ReadRecord(i, 5, b"bed-%d" % (i // 2), value % (i // 2))])
assert compiled() == before, (before, compiled())
"""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}",
        "HOME": "/nonexistent",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
