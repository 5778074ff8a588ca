"""RDMC, the reference network."""
