"""Local brokers: the embedded one, and Apache Kafka from its jars, for demos, tests and benchmarks."""
