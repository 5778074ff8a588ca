"""Where the networks that look at a restored image come from."""
