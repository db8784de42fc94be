"""Optimisers and gradient clipping as pure functions over structures of arrays.

Of every optimiser NAME_init makes the state, and NAME_update returns new parameters and a new state.
"""

from .adam import *
from .clip import *
from .sgd import *
