"""What is measured, and how: each module is a command; docs/benchmarks.md has the results."""
