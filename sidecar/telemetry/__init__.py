"""What happened, counted; knows no domain. The one door to Prometheus' client library.

    counters ──► files of all processes (multiprocess) ──► exposition, with the gauges of the moment
    worker ──► page, on a port of its own
    logs, request_ids, timings

It imports nothing here: `multiprocess.share` must come before Prometheus' library is loaded.
"""
