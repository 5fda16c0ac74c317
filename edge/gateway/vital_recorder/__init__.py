"""Vital Recorder: a port for it, the two forms of what it sends, and which of its tracks are which signals."""
