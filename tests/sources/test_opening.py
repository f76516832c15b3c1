from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from cctview.errors import InputError, SourceNotFoundError
from cctview.sources import FolderSource, open_source
from cctview.types import Frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (64, 48), (90, 90, 90)).save(tmp_path / "a--2020-05-05--12.00.00--original.jpeg")
    return tmp_path


def test_what_an_address_does_not_take_is_refused_by_name() -> None:
    for option in ({"camera": "a"}, {"timezone": "Europe/London"}, {"every_s": 2.0}):
        (name,) = option
        with pytest.raises(InputError, match=rf"sim://corridor: this source takes no {name}"):
            open_source("sim://corridor", **option)


def test_a_folder_cannot_be_thinned_and_says_what_it_takes(folder: Path) -> None:
    with pytest.raises(InputError, match=r"takes no every_s; leave it out \(it takes camera, timezone\)"):
        open_source(folder, every_s=1.0)


@pytest.mark.parametrize("option", ["timezone", "usual_timezone"])
def test_a_time_zone_must_exist_for_every_source(option: str) -> None:
    with pytest.raises(InputError, match="Nowhere/Nope"):
        open_source("sim://corridor", **{option: "Nowhere/Nope"})


def test_the_usual_time_zone_stands_in_where_one_is_used_and_gives_way_to_the_one_named(folder: Path) -> None:
    def hour(**options: str) -> str:
        (frame,) = open_source(folder, **options).frames(lambda _: False)
        assert isinstance(frame, Frame)
        return str(frame.time)[11:13]

    assert hour(usual_timezone="America/New_York") == "16"
    assert hour(usual_timezone="America/New_York", timezone="UTC") == "12"
    assert open_source("sim://corridor?minutes=0.1&cameras=1", usual_timezone="America/New_York").count()


def test_files_are_opened_by_the_door_for_everybody(folder: Path) -> None:
    assert isinstance(open_source(f"folder://{folder}"), FolderSource)
    assert isinstance(open_source(next(folder.iterdir())), FolderSource)
    with pytest.raises(SourceNotFoundError, match="no such file"):
        open_source("video://nowhere.mp4")
    with pytest.raises(InputError, match=r"no source of this kind.*sim://"):
        open_source("rtsp://camera/1")
