"""The similarity service: an HTTP sidecar beside Triton, and the worker that trains its index."""
