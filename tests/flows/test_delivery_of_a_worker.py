"""A worker's own alarm on its way to people: whom the rules ask is told, then who is asked next, until it is over."""

from delivery_flow import Hospital
from worker_flow import RULES, frame, tick

ASKED = """
[[responsibility.step]]
to = "nurse"
after_s = 30

[[responsibility.step]]
to = "charge-nurse"
after_s = 30
"""

MORE = """
[receivers.charge]
role = "charge-nurse"
channels = ["pager"]
"""


def test_who_is_asked_is_told_and_the_next_once_the_rules_ask_them(make_ward, tmp_path):
    rules = tmp_path / "asking.toml"
    rules.write_text(RULES + ASKED)
    hospital = Hospital(make_ward(rules=rules), tmp_path)
    routing = hospital.settings.routing
    routing.write_text(MORE + routing.read_text().replace("wait_s = 5", "wait_s = 3600"))
    hospital.assign("bed-1", "nurse", "n-1")
    hospital.assign("bed-1", "charge-nurse", "c-1")
    hospital.ward.start_ready_worker()
    hospital.start_ready()
    partition = hospital.of("bed-1")

    def send(seconds, hr):
        hospital.ward.send_all(
            (partition, *record) for t in seconds for record in (frame("bed-1", t, hr=hr), tick(t))
        )

    send(range(6), hr=140)
    (nurse,) = hospital.wait_for(1, "queued")
    assert (nurse.recipient, nurse.rule, nurse.priority) == ("n-1", "hr-high", "high")
    hospital.mark(nurse, "taken")
    send(range(6, 40), hr=140)
    charge = hospital.wait_for(2, "queued")[1]
    assert (charge.recipient, charge.reason) == ("c-1", "charge-nurse is asked")
    assert [(one.recipient, one.milestone) for one in hospital.wait_for(1, "undefined")] == [
        ("n-1", "undefined")
    ]
    send(range(40, 50), hr=80)
    ended = hospital.wait_for(1, "expired")
    assert [(one.recipient, one.reason) for one in ended] == [("c-1", "the alarm is over")]
    assert len(hospital.deliveries("queued")) == 2
