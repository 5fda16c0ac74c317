"""The judge: pure decisions over the patient table, without Faust, Kafka, clock or log."""
