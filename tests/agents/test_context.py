"""The context of a step: other rows, the same table and record."""

import numpy as np
from judged_rows import OneRow


def test_a_context_of_other_rows_keeps_table_and_record():
    context = OneRow().at(7)
    other = context.of([3])
    assert (other.table, other.record, other.row) == (context.table, context.record, 3)
    assert other.rows.dtype == np.int64
