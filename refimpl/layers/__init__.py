"""The mathematics of layers: one file per family."""

from .activations import *
from .batch_normalization import *
from .convolution import *
from .direction import *
from .distance import *
from .exponential_units import *
from .folding import *
from .gates import *
from .hard_activations import *
from .linear import *
from .normalization import *
from .rectifiers import *
from .response_normalization import *
from .self_gated import *
from .softmax import *
from .sparsemax import *
from .transposed_convolution import *
from .weight_normalization import *
