"""What is kept of each patient, in families of columns: each says who writes it."""
