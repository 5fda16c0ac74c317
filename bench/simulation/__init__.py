"""Workers, broker and faults in one process without real time: thousands of schedules, each from a seed.

The judge, the admission of blocks, the publisher, the store, the checkpoint and the restorer are the production
ones; the log, the topics, the group and the order in which everything happens are simulated.
"""
