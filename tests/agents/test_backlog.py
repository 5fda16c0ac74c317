"""A device that was cut off and delivers what it had held back: nothing of its past is an alarm of now."""

from live_bed import LiveBeds

WELL = {"hr": 80, "pulse": 80, "spo2": 97, "resp": 16}
NOTHING = dict.fromkeys(WELL)
CUT_S, BACK_S = 60, 460
EVERY_S, PACE = 4, 10
"""Between two frames of the device, and how many times as fast it delivers them once it is back."""

CAUGHT_UP_S = BACK_S + (BACK_S - CUT_S) // (PACE - 1) + 1


class Bed(LiveBeds):
    """A bed whose device sends a frame every few seconds."""

    def live(self, start_s, stop_s, **signals):
        """Send frames of now, and ticks."""
        for at_s in range(start_s, stop_s):
            if at_s % EVERY_S == 0:
                self.frame(at_s, **signals)
            self.tick(at_s + 0.99)

    def away(self, start_s, stop_s):
        """Let time pass."""
        for at_s in range(start_s, stop_s):
            self.tick(at_s + 0.99)

    def catch_up(self, start_s, cut_s, stop_s, **signals):
        """Deliver what was held back since the cut, as fast as it goes, until the device is at the present."""
        measured_s, sent_s = cut_s, float(start_s)
        for at_s in range(start_s, stop_s):
            while sent_s < at_s + 0.99 and measured_s < sent_s:
                self.frame(sent_s, clock_s=measured_s - sent_s, **signals)
                measured_s, sent_s = measured_s + EVERY_S, sent_s + EVERY_S / PACE
            self.tick(at_s + 0.99)


def cut_off_and_back(**while_away):
    """Return a bed whose device was cut off for some minutes and has caught up."""
    bed = Bed()
    bed.live(0, CUT_S, **WELL)
    bed.away(CUT_S, BACK_S)
    bed.catch_up(BACK_S, CUT_S, CAUGHT_UP_S, **while_away)
    return bed


def losses(told):
    return [(rule, phase) for _, rule, phase, _ in told if rule.startswith(("signal-loss", "vital-loss"))]


def test_no_signal_is_lost_while_a_device_catches_up():
    told = cut_off_and_back(**WELL).told()
    assert losses(told) == []
    assert {"silent-device", "backlog"} <= {rule for _, rule, _, _ in told}


def test_signals_that_are_lost_once_it_has_caught_up_are_told():
    bed = cut_off_and_back(**WELL)
    bed.live(CAUGHT_UP_S, CAUGHT_UP_S + 8, **WELL)
    bed.live(CAUGHT_UP_S + 8, CAUGHT_UP_S + 48, **NOTHING)
    assert {"vital-loss", "signal-loss-spo2"} <= {
        rule for rule, phase in losses(bed.told()) if phase == "start"
    }


def test_signs_of_life_that_were_lost_before_stay_told_while_it_catches_up():
    bed = Bed()
    bed.live(0, 30, **WELL)
    bed.live(30, CUT_S, **NOTHING)
    assert ("vital-loss", "start") in losses(bed.told())
    bed.away(CUT_S, BACK_S)
    bed.catch_up(BACK_S, CUT_S, BACK_S + 25, **WELL)
    told = losses(bed.told())
    assert ("vital-loss", "end") not in told
    assert ("signal-loss-spo2", "end") not in told
