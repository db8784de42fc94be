"""Optimisers, learning-rate schedules, gradient clipping and averages, as pure functions over structures of arrays.

Of every optimiser NAME_init makes the state, and NAME_update returns new parameters and a new state. Those of
torch.optim have its options and defaults; the others come each from its paper, which its docstring names.
"""

from .accumulation import *
from .adabelief import *
from .adadelta import *
from .adafactor import *
from .adagrad import *
from .adam import *
from .adamax import *
from .adamw import *
from .adan import *
from .asgd import *
from .averaging import *
from .clip import *
from .lamb import *
from .lars import *
from .lbfgs import *
from .lion import *
from .muon import *
from .nadam import *
from .radam import *
from .rmsprop import *
from .rprop import *
from .schedule_free_sgd import *
from .schedules import *
from .sgd import *
from .sparse_adam import *
