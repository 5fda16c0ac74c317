import math
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.brokers.embedded import free_port
from edge.metrics_scrape import LoadMeter, parse, quantile, read, scrape


def metrics(frames, ready=1, lag=0, buckets=((0.01, 0), (0.1, 0), ("+Inf", 0))):
    lines = [f"vigil_ready {ready}", f"vigil_frames_total {frames}"]
    lines += [f'vigil_lag_frames{{partition="{p}"}} {lag}' for p in range(2)]
    lines += [f'vigil_lag_seconds{{partition="{p}"}} {lag / 10}' for p in range(2)]
    lines += [f'vigil_append_to_alert_seconds_bucket{{le="{le}"}} {count}' for le, count in buckets]
    return parse("\n".join(lines) + "\n")


def test_frames_of_several_workers_add_up():
    load = LoadMeter().observe({"a": metrics(10, lag=3), "b": metrics(5)}, now_s=0)
    assert (load.frames, load.workers, load.lag_frames, load.lag_s) == (15, 2, 6, 0.3)


def test_a_worker_that_starts_again_at_zero_loses_no_count():
    meter = LoadMeter()
    meter.observe({"a": metrics(100)}, now_s=0)
    meter.observe({"a": None}, now_s=1)
    assert meter.observe({"a": metrics(7)}, now_s=2).frames == 107


def test_the_rate_is_over_the_last_seconds_only():
    meter = LoadMeter()
    for second in range(20):
        load = meter.observe({"a": metrics(min(second, 10) * 100)}, now_s=second)
        if second == 5:
            assert load.frames_per_s == pytest.approx(100)
    assert load.frames_per_s == 0


def test_a_worker_that_does_not_answer_leaves_the_lag_unknown():
    load = LoadMeter().observe({"a": None}, now_s=0)
    assert (load.workers, load.lag_frames, load.latency_p50_s) == (0, None, None)


def test_latency_comes_from_the_histogram_of_all_workers():
    meter = LoadMeter()
    one = metrics(1, buckets=((0.01, 10), (0.1, 10), ("+Inf", 10)))
    two = metrics(1, buckets=((0.01, 0), (0.1, 10), ("+Inf", 10)))
    load = meter.observe({"a": one, "b": two}, now_s=0)
    assert load.latency_p50_s == pytest.approx(0.01)
    assert 0.09 < load.latency_p99_s <= 0.1


def test_a_value_above_the_last_bound_is_infinite_and_an_empty_histogram_has_none():
    assert quantile([(1.0, 0), (math.inf, 5)], 0.5) == math.inf
    assert quantile([(1.0, 0), (math.inf, 0)], 0.5) is None
    assert quantile([], 0.5) is None


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.floats(0.01, 1))
def test_a_quantile_lies_in_the_bucket_that_holds_it(counts, share):
    total = sum(counts)
    buckets = [(float(bound + 1), sum(counts[: bound + 1])) for bound in range(len(counts))]
    found = quantile([*buckets, (math.inf, total)], share)
    if total == 0:
        assert found is None
        return
    holder = next(bound for bound, cumulated in buckets if cumulated >= share * total)
    assert holder - 1 <= found <= holder


def test_nobody_listening_and_nonsense_are_no_scrape():
    assert scrape(f"http://127.0.0.1:{free_port()}/metrics", timeout_s=0.5) is None
    assert parse("this is { no metric") is None


def test_what_answers_with_what_it_was_asked_is_nobody():
    """A connection of the loopback to a port nobody listens on may meet itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo():
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(4_096))

        thread = threading.Thread(target=echo, daemon=True)
        thread.start()
        assert read(f"http://127.0.0.1:{server.getsockname()[1]}/metrics") is None
        thread.join(5)
        assert not thread.is_alive()
