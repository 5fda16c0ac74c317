"""What others are given of the contracts: JSON schemas and the AsyncAPI document, made from the models."""
