"""Optimisers and gradient clipping as pure functions over structures of arrays.

Of every optimiser NAME_init makes the state, and NAME_update returns new parameters and a new state.
"""

from .adadelta import *
from .adagrad import *
from .adam import *
from .asgd import *
from .clip import *
from .lars import *
from .lbfgs import *
from .rmsprop import *
from .rprop import *
from .schedule_free_sgd import *
from .sgd import *
