"""Tables of the pages, made from what they show.

A page holds a table between two comments, `<!-- table: NAME -->` and `<!-- end of table -->`. `make
docs` writes the tables anew; a test holds that they are as it would write them.

    docs/benchmarks.json ──► figures ──► benchmarks.md
                                └──► sizing, engines ──► operations.md
    sidecar (settings, promises of NPROB) ──► settings.md, API.md
    the heads of docs/decisions/ ──► decisions/README.md
"""
