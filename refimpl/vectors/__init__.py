"""Vectors to port with: what the ops answer at all their cases, for implementations in other languages to be held to.

`export` writes a folder of them and `verify` judges what another implementation wrote into it. The folder:

    index.json     every case of every op, with its options and the names of its arrays; schema.json says its form
    schema.json    the JSON Schema of index.json
    NAME.npz       the arrays of the op NAME, uncompressed, a member for each array
    results/       what the other implementation writes: NAME.npz or NAME.json for each op, its output and its
                   gradients under the names that the expected ones have in index.json
"""

from ._export import Exported, export
from ._folder import PRECISIONS, VectorsError
from ._verify import FAIL, MISSING, PASS, TOLERANCE, ArrayFinding, OpVerdict, PrecisionVerdict, Vectors, verify

__all__ = [
    "FAIL", "MISSING", "PASS", "PRECISIONS", "TOLERANCE",
    "ArrayFinding", "Exported", "OpVerdict", "PrecisionVerdict", "Vectors", "VectorsError", "export", "verify",
]  # fmt: skip
