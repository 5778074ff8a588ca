"""From evidence to records."""
