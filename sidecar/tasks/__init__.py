"""Work that outlives a request: a task is requested, delivered to a worker, and run there.

Import from the modules: `scheduler.Scheduler`, `model_requests.ModelRequests`, `worker.work`. This
file imports none of them: RQ's worker forks, and FAISS and gRPC may only be loaded after that.
"""
