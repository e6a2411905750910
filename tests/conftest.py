"""What holds for every test: property tests have no clock, since machines are noisy and shared."""

from hypothesis import settings

settings.register_profile("noisy-machine", deadline=None)
settings.load_profile("noisy-machine")
