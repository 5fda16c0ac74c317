"""What is remembered is made durable: records, checkpoints, and how a partition's state comes back."""
