from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from cctview.plugins import load_plugin, plugin_names
from cctview.simulated import SimulatedSource, open_simulated
from cctview.sources import FolderSource
from cctview.sources.video import VideoSource
from cctview.testing.sources import SourceContract


class TestFolder(SourceContract):
    def make(self, folder: Path) -> FolderSource:
        for number in range(4):
            path = folder / f"a--2020-05-05--12.00.0{number}--original.png"
            if not path.exists():
                Image.fromarray(np.full((24, 32, 3), 40 * number, np.uint8)).save(path)
        (folder / "a--2020-05-05--12.00.09--original.png").write_bytes(b"no picture")
        return FolderSource(folder)


class TestVideo(SourceContract):
    def make(self, folder: Path) -> VideoSource:
        import av

        path = folder / "a--2020-05-05--12.00.00.mkv"
        if not path.exists():
            with av.open(str(path), "w") as container:
                stream = container.add_stream("mpeg4", rate=2)
                stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
                for number in range(5):
                    shown = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * number, np.uint8), format="rgb24")
                    container.mux(stream.encode(shown))
                container.mux(stream.encode())
        return VideoSource(path)


class TestSimulated(SourceContract):
    def make(self, folder: Path) -> SimulatedSource:
        return open_simulated("sim://corridor?minutes=0.3&cameras=1&width=176&height=120&faults=0.3&seed=4")


def test_they_are_found_by_the_door_for_everybody() -> None:
    assert {"folder", "video", "sim"} <= set(plugin_names("sources"))
    assert load_plugin("sources", "video") is VideoSource
    assert load_plugin("sources", "folder") is FolderSource
