"""The networks and filters, one module or folder each."""
