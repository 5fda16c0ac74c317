"""More partitions under load, as in Vigil's drill `scale-partitions`, for Kafka Streams and Flink."""
