"""Records to neutral tables, and tables to text."""
