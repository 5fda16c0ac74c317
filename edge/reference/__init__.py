"""Reference data at the edge: what wards and beds are called, read and followed, imported, and kept in force."""
