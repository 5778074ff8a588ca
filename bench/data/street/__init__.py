"""The embedded street set: its files and their reader. `bench.tools.street` renders it."""
