"""Quix Streams 3."""
