"""Generations through an object store, where several hosts share an index (INDEX_STORE).

parts       all of this, where the settings say so
remote      which objects a generation is
publisher   writes them before a task's commit names them
fetching    reads them into a folder of the host
follower    runs in each process, and has the host's folder follow the catalogue
host_files  who may change that folder, and what leaves it
"""
