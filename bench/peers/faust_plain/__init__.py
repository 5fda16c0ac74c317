"""Faust, an event an iteration."""
