"""Requests in, answers out; the only Falcon and gunicorn. Face: `app.create_app`, `server.serve`.

Nothing is re-exported: gunicorn forks after `server` is imported, and FAISS and gRPC, which `app`
loads, survive no fork.
"""
