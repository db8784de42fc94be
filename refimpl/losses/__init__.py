"""The mathematics of losses: one file per family."""

from .adaptive_log_softmax import *
from .binary import *
from .boxes import *
from .classification import *
from .contrastive import *
from .cross_entropy_variants import *
from .ctc import *
from .distillation import *
from .divergence import *
from .likelihood import *
from .linear_cross_entropy import *
from .margin import *
from .metric import *
from .multilabel import *
from .preference import *
from .regression import *
from .segmentation import *
