"""The leaderboard: its records, page and site."""
