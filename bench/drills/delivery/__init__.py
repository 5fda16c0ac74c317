"""The delivery drill: alerts over channels that fail in every way, under senders that are killed."""
