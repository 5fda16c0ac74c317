"""The watcher outside: signs of each partition's life, what they amount to, and the alerts of lost monitoring.

| file | what it holds |
|---|---|
| `signs.py` | what was heard of each partition, and whether it is being judged (pure) |
| `ears.py` | the reader of heartbeats and canaries' alerts |
| `log_look.py` | where the readings end and how far the group has committed, asked in a thread of its own |
| `monitoring_losses.py` | times of lost monitoring as alerts, kept until they are written (pure) |
| `writer.py` | writes them, and never waits for it |
"""
