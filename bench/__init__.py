"""Measures the service: each module is a command; `python -m docs.tables.record` puts its figures
into docs/benchmarks.json.
"""
