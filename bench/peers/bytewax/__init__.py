"""Bytewax 0.21."""
