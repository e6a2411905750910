"""What holds for every test: property tests have no clock, since machines are noisy and shared, and Python keeps what
it compiled, in the many processes of the tests too, whatever the environment says.
"""

import os
import sys

from hypothesis import settings

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("noisy-machine", deadline=None)
settings.load_profile("noisy-machine")
