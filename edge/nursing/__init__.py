"""What nurses ask at the command line, and how it is said: open alarms, patients, limits in force, charted values."""
