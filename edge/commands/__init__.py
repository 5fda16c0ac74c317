"""One file a command; `edge.cli` loads a file only when its command is called."""
