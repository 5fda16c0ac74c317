"""One alert explained: the readings around it, from the topics alone."""
