"""A ward's silence, wherever its patients' partitions are.

    a partition's tick -> silences -> reports -> vitals.wards -> ward_log -> alerts, boards
    a partition's tick <- silences <- ~ward in the readings <--------'

| file | what it does |
|---|---|
| `silences.py` | in a partition's judge: counts each ward's patients, holds back who waits for the ward's answer |
| `reports.py` | writes the counts when they have changed |
| `ward_log.py` | judges one partition of `vitals.wards`: whether a ward is lost, what is told, who is answered |
| `agent.py` | the agent of that topic: publishes what is found, and what it goes on from after a restart |
"""
