"""The only place that opens foreign files, and what writes files and folders in one piece.

    files     files of any kind: a cap, names that stay inside, one piece
    folders   folders that appear in one piece, and what a killed process left
    text      JSON and TOML
    csv_tables  comma separated values
    python_text  Python as a tree, one thread at a time
    arrays    `.npy` and `.npz`, never of pickles
    images    pictures of seven formats, told by their content
    picture_files  which format one is, and what no decoder is given
    archives  tar, and the caps of every zip
    models    Keras models in safe mode
    keras_size  what a Keras model asks for, held against what it holds
    weights   weights alone, of a `.h5` file
    h5_models  a whole model of a `.h5` file
    foreign   a model file of either kind, told by its content
    h5_pairs  labeled images in a `.h5` file
    h5_arrays  the arrays of a `.h5` file, read in stretches
    idx_files  arrays as MNIST was published
    pixel_tables  images as rows of a table

A file that was handed in may be broken or made to harm: a picture that unpacks to terabytes, an
array that is a pickle, an archive that writes outside its folder. Each reader here looks at the
content and not at the file's name, knows the size before it allocates, and refuses with a
`BadInput` that names the file, the reason and what to do. Reasons hold no path and no address, so
that a manifest listing them is the same wherever it was made.

Needs numpy and pillow; Keras is imported inside `load_keras_model` and `load_h5_model` alone.
"""

from boomerang.safeio.archives import MAX_TAR_BYTES, MAX_TAR_MEMBERS, extract_tar
from boomerang.safeio.arrays import (
    MAX_ARRAY_BYTES,
    MAX_NPZ_BYTES,
    MAX_NPZ_MEMBERS,
    load_npy,
    load_npz,
    map_records,
    npz_shapes,
)
from boomerang.safeio.csv_tables import Table, load_table, table_columns
from boomerang.safeio.files import read_bytes, real_path, safe_join, write_bytes_atomic
from boomerang.safeio.folders import discard, in_one_piece, is_alive, remove_tree, sweep
from boomerang.safeio.foreign import GZIP, HDF5, ZIP, first_bytes, load_foreign_model
from boomerang.safeio.h5_arrays import H5Array, h5_arrays
from boomerang.safeio.h5_models import load_h5_model
from boomerang.safeio.h5_pairs import MAX_PAIR_BYTES, load_h5_pair
from boomerang.safeio.idx_files import idx_header, load_idx
from boomerang.safeio.images import (
    MAX_IMAGE_BYTES,
    MAX_PIXELS,
    WHITE,
    Picture,
    decode_picture,
    open_image,
    quiet_decoders,
    why_no_picture,
)
from boomerang.safeio.models import (
    MAX_MODEL_BYTES,
    load_keras_model,
    normalize_keras_model,
    read_keras_graph,
)
from boomerang.safeio.picture_files import MAX_JPEG_SCANS, MAX_SIDE_PX, PICTURE_FORMATS
from boomerang.safeio.pixel_tables import load_pixels, pixel_columns
from boomerang.safeio.python_text import parse_literal, parse_python
from boomerang.safeio.text import (
    MAX_DEPTH,
    MAX_JSON_BYTES,
    MAX_JSON_VALUES,
    MAX_TOML_BYTES,
    as_json,
    load_json,
    load_toml,
    parse_json,
    write_json_atomic,
)
from boomerang.safeio.weights import MAX_WEIGHTS_BYTES, load_h5_weights
from boomerang.shown import display_name

__all__ = [
    "GZIP",
    "HDF5",
    "MAX_ARRAY_BYTES",
    "MAX_DEPTH",
    "MAX_IMAGE_BYTES",
    "MAX_JPEG_SCANS",
    "MAX_JSON_BYTES",
    "MAX_JSON_VALUES",
    "MAX_MODEL_BYTES",
    "MAX_NPZ_BYTES",
    "MAX_NPZ_MEMBERS",
    "MAX_PAIR_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE_PX",
    "MAX_TAR_BYTES",
    "MAX_TAR_MEMBERS",
    "MAX_TOML_BYTES",
    "MAX_WEIGHTS_BYTES",
    "PICTURE_FORMATS",
    "WHITE",
    "ZIP",
    "H5Array",
    "Picture",
    "Table",
    "as_json",
    "decode_picture",
    "discard",
    "display_name",
    "extract_tar",
    "first_bytes",
    "h5_arrays",
    "idx_header",
    "in_one_piece",
    "is_alive",
    "load_foreign_model",
    "load_h5_model",
    "load_h5_pair",
    "load_h5_weights",
    "load_idx",
    "load_json",
    "load_keras_model",
    "load_npy",
    "load_npz",
    "load_pixels",
    "load_table",
    "load_toml",
    "map_records",
    "normalize_keras_model",
    "npz_shapes",
    "open_image",
    "parse_json",
    "parse_literal",
    "parse_python",
    "pixel_columns",
    "quiet_decoders",
    "read_bytes",
    "read_keras_graph",
    "real_path",
    "remove_tree",
    "safe_join",
    "sweep",
    "table_columns",
    "why_no_picture",
    "write_bytes_atomic",
    "write_json_atomic",
]
