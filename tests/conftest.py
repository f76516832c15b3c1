from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("repeatable")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real stills with labels; a test that needs them skips where they are not."""
    if not (SHARED / "README.md").exists():
        pytest.skip(f"the real stills are not at {SHARED}")
    return SHARED
