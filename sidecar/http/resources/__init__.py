"""The resources: each reads a request, asks one object below, and writes its answer as JSON.

None catches an error: `error_handlers` turns errors into answers.
"""
