"""What several hosts of one service share.

generations  of the index: which there are, and which one is searched
readers      which of them each process has open
versions     of the model: which files each is of
"""
