"""Shows the whole service in a minute: `python -m demo`."""
