"""`make bench`: Vigil beside its peers on the same Kafka, the same frames, the same rules, in one run.

Every figure is measured from outside the systems: processor time and memory of their process trees, and the times
at which the broker appended their alerts.
"""
