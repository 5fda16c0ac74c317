"""A recovery that fails stops the worker: Faust would log the failure and wait for its end for ever."""

import pytest
from table_model import feed, new_store, record


@pytest.mark.parametrize("error", [KeyError("bed"), MemoryError(), RuntimeError("a mistake of ours")])
def test_a_recovery_that_fails_for_any_reason_stops_the_worker(error):
    failures = []
    store = new_store(on_failure=failures.append)

    def fail(*_):
        raise error

    store.apply_all = fail
    feed(store, ("bed-1", record()), partition=3)
    assert len(failures) == 1
    assert "partition 3" in failures[0]
    assert repr(error) in failures[0]
