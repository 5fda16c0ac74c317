"""The public contracts: what each record on each topic is, who may write it, and the schemas made from that."""
