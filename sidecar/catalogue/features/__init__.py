"""What models make of images: features, and keywords beside them.

bulk           features of many images, for trainings and for comparing the index with them
keywords       keywords of many images, as `keyword_pages`
since          the features that came since somebody last looked
feature_rows, keyword_rows  how both stand in the database
"""
