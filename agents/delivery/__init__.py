"""Brings alerts to people: who is queued for which channel, who is next when nobody answers, and how each way ends.

    vitals.alerts, vitals.deliveries -> intake -> vitals.escalations -> escalator -> vitals.deliveries, vitals.alerts
    a tick a second, by whom the partition is -------------^  |
                                                vitals.assignments, routing file

| file | what it does |
|---|---|
| `episode.py` | what is known of one alarm's way to people, and its record |
| `escalation.py` | decides: an alert, a milestone or a tick in, milestones and technical alerts out; pure |
| `endings.py` | how deliveries end: answered, passed over, out of time, the alarm over; pure |
| `intake.py` | puts alerts with their ward, and milestones, into the one log that is decided by |
| `escalator.py` | the agent of that log: decides, publishes, remembers |
| `episode_store.py` | what it remembers as a Faust table, and its changelog |
| `views.py` | follows assignments and the patients' wards, in no group |
| `wiring.py` | the whole flow on one screen |
"""
