"""Long runs under load that count what was lost: `make chaos`, `make switching`."""
