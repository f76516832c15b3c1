from __future__ import annotations

import pytest
import roadside


@pytest.fixture(scope="session")
def road() -> roadside.Road:
    """Fifteen minutes of two cameras."""
    return roadside.road()


@pytest.fixture
def seeing(road: roadside.Road, monkeypatch: pytest.MonkeyPatch) -> roadside.Road:
    """The road, whose looks stand in for crops and their embedder."""
    monkeypatch.setattr("cctview.pipeline.analysing.embed", road.looks)
    return road
