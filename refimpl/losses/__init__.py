"""The mathematics of losses: one file per family."""

from .classification import *
from .ctc import *
from .regression import *
