"""The public contracts: what each record on each topic is, and who may write it."""
