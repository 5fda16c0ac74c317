"""Settings, rules files and routing files: what people configure, read within bounds."""
