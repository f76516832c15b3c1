from __future__ import annotations

import numpy as np
import pytest

from cctview.errors import SettingsError
from cctview.store import SearchFilters


@pytest.mark.parametrize("filters", [{"type": "person"}, {"type": "tank"}, {"colour": "plaid"}])
def test_filters_that_nothing_can_pass_are_refused(filters):
    with pytest.raises(SettingsError):
        SearchFilters(**filters)


def test_what_is_asked_for_is_said_in_words():
    filters = SearchFilters(camera="733", before=np.datetime64("2026-05-05T13:00"), type="bus", colour="red")
    assert filters.said == {"camera": "733", "before": "2026-05-05T13:00", "type": "bus", "colour": "red"}
    assert SearchFilters().said == {}


def test_a_wrong_word_is_answered_by_the_nearest():
    with pytest.raises(SettingsError, match="no vehicle has the colour 'gren'; did you mean 'green'"):
        SearchFilters(colour="gren")
