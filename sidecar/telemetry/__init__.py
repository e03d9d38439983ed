"""What happened, counted; knows no domain. The one door to Prometheus' client library.

`counters` is what happens in the processes of the sidecar, added up over all of them by
`multiprocess`; `exposition` is that and the gauges of the moment; `worker` is a page of its own.
"""
