"""The outside world: command line, simulator, recordings, workers as children, the ward in a terminal."""
