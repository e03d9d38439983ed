"""What is measured, and how: each module is a command; its figures go into docs/benchmarks.json."""
