"""The mathematics of losses: one file per family."""

from .classification import *
from .cross_entropy_variants import *
from .ctc import *
from .likelihood import *
from .linear_cross_entropy import *
from .regression import *
