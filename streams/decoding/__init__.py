"""Bytes of records to columns: frames, ticks, commands, and the rest as rejects with a reason."""
