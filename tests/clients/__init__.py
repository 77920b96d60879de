"""Real clients, unchanged, against a live server."""
