"""What is measured, and how: each module is a command; docs/BENCHMARKS.md has the results."""
