"""The mathematics of losses: one file per family."""

from .boxes import *
from .classification import *
from .contrastive import *
from .likelihood import *
from .margin import *
from .metric import *
from .multilabel import *
from .preference import *
from .regression import *
