"""Images of any data set, brought to one size once, in a form that is read quickly."""

FORMATS = ('zip', 'folder', 'wds')
# Filters of PIL, each of which averages over all pixels that a smaller one covers.
RESIZERS = ('lanczos', 'bicubic', 'box')
CROPS = ('centre', 'none')
