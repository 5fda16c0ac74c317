"""The gateway: devices' protocols in, a file a protocol, acknowledged once Kafka has it."""
