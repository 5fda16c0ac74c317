"""What flows: contracts, decoding, configuration, Kafka, and the live lane over Faust."""
