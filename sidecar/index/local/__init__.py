"""The engine that keeps the features of a generation on each host, and searches them with FAISS.

engine      the face: opens generations, makes drafts
draft       a draft's files, beside its others
compaction  which segments the next generation takes over, and which of them it joins
search      codes pick candidates, full features rank them
filtered    the nearest of those images that meet a filter
"""
