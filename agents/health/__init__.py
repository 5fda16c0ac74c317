"""Whether the worker is well: what it owns, measures, waits for, and its signs of life."""
