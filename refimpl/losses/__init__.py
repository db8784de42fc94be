"""The mathematics of losses: one file per family."""

from .binary import *
from .classification import *
from .distillation import *
from .divergence import *
from .likelihood import *
from .regression import *
from .segmentation import *
