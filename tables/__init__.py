"""What is remembered: the state of every patient of a partition, its durable record and its changelog."""
