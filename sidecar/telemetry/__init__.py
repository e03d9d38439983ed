"""What Prometheus reads. The one door to its client library.

`counters` is what happens in the processes of the sidecar, added up over all of them by `multiprocess`;
`page` is that and the figures of the moment; `worker` is a page of the worker's own.
"""
