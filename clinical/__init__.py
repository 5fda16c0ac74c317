"""What is decided: pure functions over NumPy arrays, without Faust, Kafka, clock or environment."""
