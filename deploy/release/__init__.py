"""Makes a release: checks that versions agree, and that sdist and wheel hold what they should."""
