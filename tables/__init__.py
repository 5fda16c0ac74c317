"""What is remembered: the state of every patient, its durable record and its changelog."""
