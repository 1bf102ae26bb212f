"""What the tests need and is not here: left out, loudly; with CI=true a failure."""

import os
from typing import NoReturn

import pytest

IS_ABSENT = "is not installed here"


def absent(program: str) -> NoReturn:
    """Leave the test out, or fail it."""
    if os.environ.get("CI", "").casefold() in ("true", "1"):
        pytest.fail(f"{program} {IS_ABSENT}, and CI leaves nothing out.")
    pytest.skip(f"{program} {IS_ABSENT}")
