"""Nothing but confluent-kafka."""
