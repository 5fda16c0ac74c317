"""Measurements: what Vigil costs and how it compares, each printed with how it was measured."""
