"""What may refuse a request before its call is reached.

host_names         only names that are the service's own
one_path           only one spelling of a path
forwarded          who the client is, behind a proxy that is trusted
cors, same_site    which web pages may call, and which may change something
auth               only keys with the scope of the call, out of the file of `api_keys`
rate_limit         only as many requests as the `rate` of a key, counted in `buckets`
concurrency_limit  only as many at once as there is room for
"""
