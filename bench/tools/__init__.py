"""Tools that make what the package ships; nothing of the product needs them but training on ``street:N``."""
