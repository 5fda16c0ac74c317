"""A ward's silence, wherever its patients' partitions are.

    a partition's tick -> silences -> counts -> vitals.wards -> ward_log -> alerts, boards
    a partition's tick <- silences <- ~ward in the readings <--------'

| file | what it does |
|---|---|
| `judging/ward_silences.py` | in a partition's judge: counts patients, holds back who waits for the answer |
| `counts.py` | writes the counts when they have changed |
| `judging/ward_log.py` | judges one partition of `vitals.wards`: is a ward lost, what is told, who is answered |
| `agent.py` | the agent of that topic: publishes what is found, and what it goes on from after a restart |
"""
