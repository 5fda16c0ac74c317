"""VSCapture: what it posts and publishes, which of its names are which signals, and who sends it."""
