"""The mathematics of losses: one file per family."""

from .classification import *
from .regression import *
