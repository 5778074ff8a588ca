"""What RDMC's ideas are worth: trains variants, switches links off, draws gates."""
