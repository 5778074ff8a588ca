"""What lies on disk: the store, evidence, records, manifests, and their keys."""
