"""Every codec of Kafka is opened by both clients here, and one that is missing is named with its package."""

import aiokafka.codec
import kafka.codec
import pytest

from streams.kafka import codecs
from streams.kafka.codecs import CODECS, EDGE, WORKERS, unreadable_codecs


def test_every_codec_is_opened_by_workers_and_at_the_edge():
    assert list(CODECS) == ["gzip", "snappy", "lz4", "zstd"]
    assert unreadable_codecs() == {}


@pytest.mark.parametrize("codec", ["snappy", "lz4", "zstd"])
def test_workers_without_their_package_are_told_from_the_edge(monkeypatch, codec):
    monkeypatch.setattr(aiokafka.codec, "cramjam", None)
    found = unreadable_codecs()
    assert set(found) == {(WORKERS, name) for name in ("snappy", "lz4", "zstd")}
    assert "package cramjam" in found[WORKERS, codec]


@pytest.mark.parametrize(
    ("codec", "module", "package"),
    [("snappy", "snappy", "python-snappy"), ("lz4", "lz4", "lz4"), ("zstd", "zstd", "zstandard")],
)
def test_the_package_that_the_edge_lacks_is_named(monkeypatch, codec, module, package):
    monkeypatch.setattr(kafka.codec, module, None)
    found = unreadable_codecs()
    assert list(found) == [(EDGE, codec)]
    assert found[EDGE, codec].endswith(f"package {package}")


def test_a_codec_that_gives_something_else_counts_as_missing(monkeypatch):
    monkeypatch.setitem(codecs._TRIES, EDGE, lambda number: [b"something else"])
    assert set(unreadable_codecs()) == {(EDGE, codec) for codec in CODECS}
