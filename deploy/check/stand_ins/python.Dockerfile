# For Docker's python:3.11, which has a compiler.
FROM stand-in:base
# hadolint ignore=DL3008
RUN apt-get update -q && apt-get install -qy --no-install-recommends gcc libc6-dev python3-dev \
 && rm -rf /var/lib/apt/lists/*
CMD ["python3"]
