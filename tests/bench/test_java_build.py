"""Java peers are built once, again after a change, and what is missing is said."""

import shutil
from pathlib import Path

import pytest

from bench.peers import java_build
from edge.brokers import jars as kafka_jars
from streams.errors import UsageError, VigilError


@pytest.fixture
def maven_calls(tmp_path, monkeypatch):
    """Return the output folders Maven was told; the programs are a copy, and nothing is really built."""
    here = tmp_path / "peers"
    for part in ("java_work", "kafka_streams", "flink"):
        shutil.copytree(java_build.HERE / part, here / part)
    calls: list[Path] = []

    def run_maven(program, pom, *arguments):
        output = Path(arguments[-1].removeprefix("-Dtarget="))
        (output / "classes").mkdir(parents=True)
        calls.append(output)

    monkeypatch.setattr(java_build, "HERE", here)
    monkeypatch.setattr(java_build, "WORK", here / "java_work")
    monkeypatch.setattr(java_build, "find_java", lambda program: "/java")
    monkeypatch.setattr(java_build, "run_maven", run_maven)
    return calls


def classes(command):
    return Path(command[command.index("-cp") + 1].split(":")[0])


@pytest.mark.parametrize("name", java_build.PROGRAMS)
def test_a_program_is_built_once_and_its_command_names_what_was_built(name, tmp_path, maven_calls):
    command = java_build.command(name, tmp_path / "cache")
    assert java_build.command(name, tmp_path / "cache") == command
    assert len(maven_calls) == 1
    assert classes(command).is_dir()
    assert command[0] == "/java"
    assert Path(command[1].removeprefix("@")).is_file()


@pytest.mark.parametrize(
    "changed", ["pom.xml", "src/bench/peers/flink/Main.java", "../java_work/src/bench/peers/Judge.java"]
)
def test_a_change_of_a_program_or_of_the_common_part_is_built_anew(changed, tmp_path, maven_calls):
    before = java_build.command("flink", tmp_path / "cache")
    with (java_build.HERE / "flink" / changed).open("a") as source:
        source.write("\n")
    assert classes(java_build.command("flink", tmp_path / "cache")) != classes(before)
    assert len(maven_calls) == 2


def test_a_name_that_is_no_java_peer_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no Java peer is called 'faust'; there are kafka-streams, flink"):
        java_build.command("faust", tmp_path)


def test_without_java_the_error_names_the_program_and_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(kafka_jars.shutil, "which", lambda name: None)
    with pytest.raises(VigilError, match="flink needs Java 17 or newer, and there is no 'java' on the PATH"):
        java_build.command("flink", tmp_path)


def test_without_maven_the_error_names_the_program_and_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(java_build, "find_java", lambda program: "/java")
    monkeypatch.setattr(kafka_jars.shutil, "which", lambda name: None)
    with pytest.raises(VigilError, match="kafka-streams is not in the cache yet, and there is no 'mvn'"):
        java_build.command("kafka-streams", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kafka-streams.lock"]
