"""ADT that has been silent for its bound is told of, and again when it comes."""

from edge.gateway.adt_silence import AdtSilence

BOUND_MS = 900_000


def told(alerts):
    return [(alert.phase, alert.onset_ts_ms) for alert in alerts]


def test_a_sender_that_is_heard_is_not_told_of():
    silence = AdtSilence(BOUND_MS)
    for ms in range(0, 10 * BOUND_MS, BOUND_MS // 2):
        assert silence.hear("adt", ms, ms) == []
        assert silence.look(ms) == []


def test_silence_is_told_of_once_when_its_bound_is_over_and_its_end_when_messages_come():
    silence = AdtSilence(BOUND_MS)
    silence.hear("adt", 0, 0)
    assert silence.look(BOUND_MS) == []
    (alert,) = silence.look(BOUND_MS + 1)
    assert (alert.phase, alert.onset_ts_ms, alert.priority, alert.type) == (
        "start",
        BOUND_MS,
        "medium",
        "technical",
    )
    assert silence.look(2 * BOUND_MS) == []
    (end,) = silence.hear("adt", 3 * BOUND_MS, 3 * BOUND_MS)
    assert (end.phase, end.episode, end.id) == ("end", alert.episode, f"{alert.episode}-1")


def test_messages_that_were_held_back_do_not_end_it_until_they_are_of_now():
    silence = AdtSilence(BOUND_MS)
    silence.hear("adt", 0, 0)
    assert told(silence.look(BOUND_MS * 8)) == [("start", BOUND_MS)]
    now_ms = BOUND_MS * 8
    assert [silence.hear("adt", BOUND_MS * n, now_ms) for n in range(1, 7)] == [[]] * 6
    assert silence.look(now_ms) == []
    assert told(silence.hear("adt", BOUND_MS * 7 + 1, now_ms)) == [("end", BOUND_MS)]


def test_who_takes_over_tells_the_same():
    log = [(0, 0), (BOUND_MS * 3, BOUND_MS * 3), (BOUND_MS * 3 + 1, BOUND_MS * 3 + 1)]
    one, other = AdtSilence(BOUND_MS), AdtSilence(BOUND_MS)
    one.hear("adt", *log[0])
    first = [*one.look(BOUND_MS * 2), *one.hear("adt", *log[1])]
    other.hear("adt", *log[0])
    second = [*other.look(BOUND_MS * 2 + 5), *other.hear("adt", *log[1])]
    assert first == second
    third = AdtSilence(BOUND_MS)
    third.hear("adt", *log[0])
    assert third.hear("adt", *log[1]) == first[1:]


def test_a_time_from_the_future_is_the_broker_s():
    silence = AdtSilence(BOUND_MS)
    silence.hear("adt", 10 * BOUND_MS, 0)
    assert told(silence.look(BOUND_MS + 1)) == [("start", BOUND_MS)]
