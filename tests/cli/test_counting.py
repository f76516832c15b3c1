"""Counts on the command line: lengths of bins, columns, and what is said of what was left out."""

from dataclasses import replace

import numpy as np
import pytest

from cctview.cli.counting import counted_rows, seconds_in
from cctview.errors import SettingsError
from cctview.formats.tabular import count_rows
from cctview.privacy import Policy
from cctview.store import create_store
from cctview.testing import roads
from cctview.types import Counts

COLUMNS = ["camera", "direction", "start", "end", "type", "passages", "compass", "whole"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("", None), ("90", 90), ("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86_400)]
)
def test_lengths_of_bins(text, seconds):
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["0", "0m", "-5m", "1.5h", "5x", "m", "five"])
def test_other_lengths_are_refused(text):
    with pytest.raises(SettingsError, match="--every"):
        seconds_in(text)


def test_no_passages_are_explained(tmp_path):
    rows, said = counted_rows(create_store(tmp_path / "store", Policy.default("tests")), "5m")
    assert list(rows) == COLUMNS
    assert len(rows["camera"]) == 0
    assert "cctview track" in said["why"]


def test_the_compass_follows_the_camera():
    times = np.full(4, roads.START)
    table = Counts(
        camera=np.array(["c1", "c1", "c1", "elsewhere"]),
        direction=np.array(["away", "towards", "across", "away"]),
        start=times,
        end=times + np.timedelta64(60, "s"),
        type=np.full(4, "car"),
        passages=np.full(4, 7),
        whole=np.ones(4, bool),
    )
    network = roads.network(roads.Scenery())
    rows = count_rows(table, network)
    assert list(rows) == COLUMNS
    assert rows["compass"].tolist() == ["N", "S", "", ""]
    turned = network.cameras.replace(heading_deg=np.array([300.0], np.float32))
    assert count_rows(table, replace(network, cameras=turned))["compass"].tolist() == ["NW", "SE", "", ""]
    assert count_rows(table)["compass"].tolist() == [""] * 4
