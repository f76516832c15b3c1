from dataclasses import fields, replace

import pytest

from cctview.errors import SettingsError
from cctview.tracking import SortSettings, TrackSettings


@pytest.mark.parametrize("settings", [TrackSettings(), SortSettings()])
def test_every_setting_is_checked(settings):
    for field in fields(settings):
        for value in (-100, 10**9, float("nan")):
            with pytest.raises(SettingsError, match=field.name):
                replace(settings, **{field.name: value})
