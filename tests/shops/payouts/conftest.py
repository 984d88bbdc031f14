import pytest
import time_machine


@pytest.fixture
def time_at():
    """time_at(instant): the clock stands there."""
    return lambda at: time_machine.travel(at, tick=False)
