"""The mathematics of losses: one file per family."""

from .classification import *
from .margin import *
from .multilabel import *
from .regression import *
