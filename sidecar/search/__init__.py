"""From what a request asks with to the images that it finds.

by_image        the neighbours of one image
by_examples     the images most like some examples, and least like others
by_keyword      the images that show something, the likeliest first
batch           the neighbours of many images, whose `batch_queries` are made side by side
compare         how far two images are apart; `explain` says which regions make them alike
example         what a request asks with: a stored image or an upload

view            what a search looks through: a generation of the index, and what came since
wanted          which of it meets the filter, `prepared` from one search to the next
ranked          the nearest of these, by exact distances
identification  their ids, out of the catalogue
finder          all of this for one block of queries; `grouping` asks it round after round
neighbours      the answer: `likeness` says which are the same image, `matches` what is known

Import from the modules: a worker that asks for one loads no others.
"""
