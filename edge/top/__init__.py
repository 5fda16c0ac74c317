"""How the processes are, live in a terminal: whom to ask, asking all at once, rows of figures, how they are shown."""
