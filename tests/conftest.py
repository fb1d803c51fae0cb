"""Settings of all tests: hypothesis draws the same examples each time, so that none needs luck."""

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")
