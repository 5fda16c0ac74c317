"""Fault drills: a worker under load, a fault, and the proof from the topics alone that nothing was lost.

`python -m bench.drills NAME --seconds S --seed N --json FILE` starts Kafka, topics and workers, runs the loader in a
process of its own, injects the fault, waits until the group has committed all of it, stops, and lets the oracle
judge the log again in one go: what it says must have come out. Exit code 1 when a promise broke.

| file | what it holds |
|---|---|
| `ward.py`, `shapes.py` | the frames that are due: planned onsets, canaries, and a drill's own trouble |
| `load.py`, `ledger.py` | the open-loop loader (its own process) and what became of every record it sent |
| `stage.py`, `workers.py` | what a drill may touch: brokers, topics, worker processes, the fault's time |
| `read_back.py`, `oracle.py`, `findings.py` | the topics read to their end, the judge over them, the counts |
| `releases.py` | an earlier release beside ours |
| `run.py`, `__main__.py` | one drill from start to verdict; the command line |
| `drills.py` | the table of drills |
| `fault.py`, `surroundings.py` | a fault as a value that is made and healed; what must be there for it |
| `worker_faults.py`, `node_faults.py`, ... | the faults themselves, and the drills that play them |
| `disks.py`, `clocks.py`, `proxy.py` | a file system, a clock and a network for each node, which can be made to fail |
| `catalogue.py`, `chaos_schedule.py`, `chaos.py` | all faults in one table, a schedule of chance, and the run of it |
| `overdue.py` | by when an alert must be out beside faults |
| `crashing_worker.py`, `sabotaged_worker.py` | workers with a fault built in from outside |
| `slow_worker.py`, `changed_worker.py` | one that ends slowly; how a worker is changed from outside |

To add a fault: write a context manager that makes it, yields what it did in a sentence and heals it, a `Fault` of it in
a file of faults, and rows in `catalogue.FAULTS` (for `chaos`) and `drills.DRILLS` (`_alone`, to play it by itself).

To add a drill of another course: write a function `def fault(stage: Stage) -> None` in a file of faults and a row in
`drills.DRILLS`. The function runs in the main thread while the load runs. It waits with `stage.sleep_until(share)` (a
share of the load's time), touches `stage.cluster`, `stage.workers` and `stage.rng`, and marks the time in which the
fault works with `with working(stage, FAULT):` or `with stage.fault("what"):`; alerts decided in it, and
`Drill.settle_s` beyond, count as "during". A row's `check` looks at the findings and returns sentences about broken
promises beyond the five counts, which every drill must leave at zero. What the devices themselves do wrong is no
fault function but a shape (`shapes.SHAPES`).
"""
