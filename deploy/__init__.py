"""Checks and builds what is deployed: containers, GPUs, releases; and holds their configuration."""
