"""Connections to the broker: clients, topics, security, producers, readers without a group."""
