import os

from hypothesis import settings

pytest_plugins = (
    "tests.postgres",
    "tests.brokers",
    "tests.exiftool",
    "tests.unsynced",
    "tests.compiled_templates",
)

# A busy machine is not a bug: no example is too slow.
settings.register_profile("tigertag", deadline=None)
settings.load_profile("tigertag")

# Processes that tests start would else compile all that they import, each anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
