from __future__ import annotations

from collections.abc import Callable

import pytest

from cctview.testing.passing import road
from cctview.types import Tracklets


@pytest.fixture(scope="session")
def drive() -> Callable[..., Tracklets]:
    """Make traffic along one road."""
    return road
