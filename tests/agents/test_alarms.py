"""Names of alarms: each is told apart from every other, and only periodic signals can be lost."""

from agents.judging import alarms
from clinical.vitals import SIGNALS


def test_no_two_alarms_have_one_name():
    names = [
        value
        for name, value in vars(alarms).items()
        if name.isupper() and isinstance(value, str) and name != "DRIFTING"
    ]
    assert len(names) == len(set(names)) > 15


def test_only_periodic_signals_have_a_loss_in_the_order_of_the_signals():
    assert [SIGNALS[column].name for column in alarms.LOSS_COLUMNS] == [
        signal.name for signal in SIGNALS if signal.periodic
    ]
