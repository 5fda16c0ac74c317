"""Rules proven on the live log: what they would have told beside what was told, and switching to them."""
