"""A folder of photographs as one array.

    resize_folder   the whole of it, as `resize_images.py` does it
    task            the same in shares, as Preprocess does it
    listing         the files of a folder in order; which folders may be read and written
    decoding        a file taken, or refused with the reason
    padded          one picture padded to the shape of the data and resized
    picture_folder  the folder that is written
    gray            colors become gray

Needs numpy and pillow; must not import TensorFlow.
"""
