"""A table of blocks has the store that it is given, and nobody changes that by assignment."""

import asyncio

import pytest

from streams.config.settings import Settings
from streams.lane.app import create_app
from streams.lane.block_table import BLOCKS_BUFFERED, BlockStore, BlockTable


class Held(BlockStore):
    """A store that holds nothing."""

    def apply_changelog_batch(self, batch, to_key, to_value):
        pass

    def reset_state(self):
        pass

    def __getitem__(self, key):
        raise KeyError(key)

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0


def test_a_table_has_the_store_that_it_is_given_and_collects_some_blocks_before_it_applies_them():
    store = Held("beds")
    table = BlockTable(create_app(Settings(brokers="127.0.0.1:9")), name="beds", store=store)
    assert table.data is store
    assert table.recovery_buffer_size == BLOCKS_BUFFERED > 1


def test_a_store_changes_by_its_log_alone():
    store = Held("beds")
    with pytest.raises(TypeError, match="beds change by judging their log, not by assignment"):
        store["bed-1"] = b"record"
    with pytest.raises(TypeError, match="beds change by judging their log, not by deletion"):
        del store["bed-1"]


def test_there_is_no_other_copy_than_the_changelog():
    store = Held("beds")
    assert asyncio.run(store.backup_partition()) is None
    assert store.restore_backup() is None
