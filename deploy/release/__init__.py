"""A release: versions that agree, an sdist and a wheel that hold what they should."""
