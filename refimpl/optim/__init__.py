"""Optimisers, learning-rate schedules, gradient clipping and averages, as pure functions over structures of arrays.

Of every optimiser NAME_init makes the state, and NAME_update returns new parameters and a new state.
"""

from .accumulation import *
from .adam import *
from .averaging import *
from .clip import *
from .schedules import *
from .sgd import *
