"""Duplicates as the catalogue keeps them.

pairs      by model, and how far the images of each were compared; their form is in `pair_rows`
decisions  what users decided about pairs; their form is in `decision_rows`
kinds      the words of both
"""
