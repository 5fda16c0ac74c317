"""A worker whose partition has all the patients that it may have: further ones go to the dead letters."""

from worker_flow import frame, tick, wait_until


def test_frames_of_patients_too_many_are_dead_letters_and_those_who_are_known_are_judged(make_ward):
    ward = make_ward(patients_max=2)
    worker = ward.start_ready_worker()
    for second in range(3):
        ward.send_all((0, *frame(patient, second, hr=80)) for patient in ("bed-1", "bed-2"))
    stranger = frame("bed-3", 3, hr=140)
    ward.send_all([(0, *stranger), (0, *tick(3))])
    ward.send_all((0, *frame("bed-1", second, hr=140)) for second in range(4, 9))
    ward.wait_for_alerts(ward.expected())
    told = {(alert["patient"], alert["rule"], alert["phase"]) for alert in ward.alerts()}
    assert {("~partition/0", "too-many-patients", "start"), ("bed-1", "hr-high", "start")} <= told
    wait_until(ward.dead_letters, "a dead letter")
    ((key, value, headers),) = ward.dead_letters()
    assert (key, value, headers["reason"]) == (*stranger, "too-many-patients")
    assert worker.metric("vigil_dead_letters_total", reason="too-many-patients") == 1
    worker.kill()
    ward.start_ready_worker()
    ward.send_all([(0, *frame("bed-4", 10, hr=140)), (0, *tick(10))])
    wait_until(
        lambda: any(key == b"bed-4" for key, _, _ in ward.dead_letters()), "a dead letter after a restart"
    )
    ward.wait_for_alerts(ward.expected())
