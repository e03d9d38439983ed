"""Groups of duplicates: the pairs that a task has found, joined by complete linkage.

groups   page by page, out of the pairs and decisions of the catalogue
linkage  pairs to groups
"""
