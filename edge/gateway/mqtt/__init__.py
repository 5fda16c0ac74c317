"""Readings from an MQTT 5 broker: the gateway is its client."""
