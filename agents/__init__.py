"""What acts: the judge of blocks, the Faust agents around it, and the worker's entry."""
