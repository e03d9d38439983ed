# For Docker's python:3.11-slim: Debian's own Python of that version, and no compiler.
FROM stand-in:base
CMD ["python3"]
