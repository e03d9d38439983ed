"""What requests bring, read by its rules: parameters, files, lists.

params          each parameter by its rule; `search_params` has those of every search
known_params    refuses those that a call does not know
multipart       a form, while it arrives
uploads         one image; `batch_uploads` reads the files of many
json_body       a list
feedback        what is liked and what is not, as `feedback_entries`
boxes, vectors  a part of an image, and features
"""
