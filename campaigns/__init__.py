"""Long runs that count what was lost or went wrong: `make chaos`, `switching`, `fuzz-images`."""
