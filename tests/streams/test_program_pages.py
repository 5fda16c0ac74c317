"""What a library's program takes is given back, and the library works as before."""

import subprocess
import sys

import pytest

from streams import program_pages

SCRIPT = """
import re
from pathlib import Path
import llvmlite.binding as llvm
from streams.program_pages import give_back

def files_kb():
    return int(re.search(r"RssFile:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

def compiles():
    return "ret i64 7" in str(llvm.parse_assembly("define i64 @seven() { ret i64 7 }"))

llvm.initialize_native_target()
print(compiles(), give_back("libllvmlite.so"), give_back("libllvmlite.so.not"), files_kb(), compiles(), files_kb())
"""


# Nowhere else does the call do this: there nothing is given back, which the last test here says.
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives pages back so")
def test_a_library_whose_program_was_given_back_works_as_before():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )
    before, given, of_none, without, after, again = done.stdout.split()
    assert before == after == "True"
    assert int(given) > 10_000_000
    assert of_none == "0"
    assert int(again) > int(without)  # what is called is read again


def test_only_what_is_never_written_is_given_back():
    maps = """\
7f00-7f10 r--p 00000000 fd:00 12 /lib/libsome.so
7f10-7f30 r-xp 00010000 fd:00 12 /lib/libsome.so
7f30-7f40 rw-p 00030000 fd:00 12 /lib/libsome.so
7f40-7f50 r-xp 00000000 fd:00 13 /lib/libsome.so.2
7f50-7f60 rwxp 00000000 fd:00 12 /lib/libsome.so
7f60-7f70 r-xp 00000000 00:00 0
7f70-7f90 r-xp 00000000 fd:00 14 /a folder/libsome.so
"""
    assert program_pages._programs(maps, "libsome.so") == [(0x7F10, 0x20), (0x7F70, 0x20)]


def test_a_process_whose_list_cannot_be_read_or_has_strange_names_goes_on(tmp_path, monkeypatch):
    for content in (None, b"7f10-7f30 r-xp 00010000 fd:00 12 /lib/lib\xff.so\n"):
        maps = tmp_path / "maps"
        if content is not None:
            maps.write_bytes(content)
        monkeypatch.setattr(program_pages, "MAPS", maps)
        assert program_pages.give_back("libsome.so") == 0


def test_elsewhere_nothing_is_given_back(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert program_pages.give_back("libllvmlite.so") == 0
