"""What runs inside the machine of tools/vm."""

import pytest


@pytest.fixture(autouse=True)
def no_story_hangs():
    """In place of the limit of tests/conftest.py, which is for a real processor: here each wait has its own (service.SOON)."""
