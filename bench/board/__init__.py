"""How many viewers a board serves on one core, how soon, with what memory; and that pages converge whatever happens."""
