"""A few thousand damaged reports; `bench/sdc_mutations.py` has more."""

from bench import sdc_mutations


def test_damaged_reports_become_frames_of_the_contract_or_reasons():
    found = sdc_mutations.run(2_000, seed=3)
    assert found.wrong == []
    assert found.outcomes["frames"] > 500
