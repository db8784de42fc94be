"""Learning-rate schedules: the rate of a step as a function of the step, which counts from 0.

The only state is that of the plateau, which depends on what was measured. Every schedule gives the numbers that
torch.optim.lr_scheduler comes to after as many steps; it computes many of them from the rate before, here each is
computed by itself.
"""

from .annealing import *
from .combined import *
from .cycles import *
from .decays import *
from .plateau import *
