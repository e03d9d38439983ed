"""A cluster whose hosts are killed and cut off while it works: `make cluster`.

__main__ ──► inside ──► campaign: cluster ──► hosts ──► network
                                  traffic, trouble, rolling, levels, verdict
"""
