"""Recordings under two rule sets: what each does to the alarm load, what it removes, what it reports too late."""
