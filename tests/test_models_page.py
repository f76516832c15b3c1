"""What docs/models.md tells to type works, with small stand-ins for the files it names."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from cctview.cli import main
from cctview.sim import SimSettings, simulate, write_stills

pytest.importorskip("onnx", reason="small graphs are built with onnx")

from answering import answering

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "models.md").read_text()
# These need the network, or the original's own files; tests/models and tests/cli have them.
ELSEWHERE = ("models pull", "data fetch", "models import resnet50", "models import VeRI", "example")


def test_the_commands_of_the_page_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CCTVIEW_MODELS", str(tmp_path / "library"))
    write_stills(simulate(SimSettings(minutes=0.05, cameras=1)), Path("path/to/stills"))
    answering(Path("yolov8s.onnx"), {"output0": np.zeros((1, 84, 8400), np.float32)}, ["batch", 3, 640, 640])
    answering(Path("osnet.onnx"), {"features": np.ones((1, 512), np.float32)}, ["batch", 3, 256, 128])
    commands = re.findall(r"^    cctview (.*)$", PAGE, re.MULTILINE)
    here = [command for command in commands if not command.startswith(ELSEWHERE)]
    assert len(here) == 9
    for number, command in enumerate(here):
        words = [f"{word}-{number}" if word == "STORE" else word for word in shlex.split(command)]
        monkeypatch.setattr(sys, "argv", ["cctview", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, command


def test_every_family_is_on_the_page() -> None:
    from cctview.models.families import FAMILIES

    told = set(re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE, re.MULTILINE))
    assert told == FAMILIES.keys() - {"retinanet"}
