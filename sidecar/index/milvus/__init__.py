"""The engine that keeps features in Milvus, for an index that outgrows a host.

server   the one door to pymilvus
kinds    Milvus' indexes, and what makes a search in each longer
tuning   how far a search has to look for each recall target, measured
reading  features as the catalogue has them: they rank what Milvus finds
draft    a collection made afresh, or changed in its place
search   the nearest of a collection that the catalogue still has
among    the nearest of those that meet a filter
engine   the face: opens generations, makes drafts, drops what no generation names

A generation has its numbers, fields and keywords on each host, as with any engine; `collection` in
its `meta.json` names its features. An update changes the collection in place, so an older
generation of the same collection finds rows there that are not its own: a search passes over what
its numbers lack.
"""
