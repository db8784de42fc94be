"""The mathematics of losses: one file per family."""

from .binary import *
from .boxes import *
from .classification import *
from .contrastive import *
from .distillation import *
from .divergence import *
from .likelihood import *
from .margin import *
from .metric import *
from .multilabel import *
from .preference import *
from .regression import *
from .segmentation import *
