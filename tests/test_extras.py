"""What works without the extras, and what is said where one is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

from cctview import extras
from cctview.errors import MissingExtraError

BASE = {"cv2", "onnxruntime", "av", "fastapi", "nicegui", "starlette", "uvicorn", "multipart"}
COMMAND = "from cctview.cli import main; main()"


def without(hidden: set[str], statement: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a statement in a Python that has none of these modules."""
    code = f"import sys; sys.modules.update(dict.fromkeys({sorted(hidden)!r})); {statement}"
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("extras") / "world"
    made = without(set(), COMMAND, "simulate", out, "--store", "--minutes", "0.5", "--cameras", "2")
    assert made.returncode == 0, made.stderr
    return out


@pytest.mark.parametrize(
    ("words", "told"),
    [(["track"], "tracklets"), (["journeys"], "journeys"), (["policy", "show"], "purpose")],
)
def test_what_is_stored_is_worked_on_without_any_extra(world: Path, words: list[str], told: str) -> None:
    done = without(BASE, COMMAND, *words, world, "--json")
    assert done.returncode == 0, done.stderr
    assert told in done.stdout


def test_what_is_stored_is_exported_without_any_extra(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "tracklets.csv"
    done = without(BASE, COMMAND, "export", world, "--out", out, "--what", "tracklets")
    assert done.returncode == 0, done.stderr
    assert out.read_text().startswith("tracklet,camera")


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("vision", ["run", "sim://corridor?minutes=1", "{new}"]),
        ("vision", ["simulate", "{new}", "--minutes", "0.1"]),
        ("video", ["run", "{video}", "{new}"]),
        ("web", ["serve", "{world}"]),
    ],
)
def test_a_verb_that_needs_an_extra_says_which_command_installs_it(
    world: Path, tmp_path: Path, extra: str, words: list[str]
) -> None:
    video = tmp_path / "street.mp4"
    video.write_bytes(b"\0")
    missing = {"vision": {"cv2", "onnxruntime"}, "video": {"av"}}.get(extra, BASE - {"cv2", "onnxruntime"})
    given = [word.format(world=world, new=tmp_path / "new", video=video) for word in words]
    done = without(missing, COMMAND, *given, "--json")
    assert done.returncode == 1
    assert f"pip install 'cctview[{extra}]'" in json.loads(done.stdout)["error"]
    assert "Traceback" not in done.stderr


def test_the_python_door_says_so_too() -> None:
    done = without({"cv2"}, "from cctview.extras import cv2\ntry: cv2.imdecode\nexcept ImportError as e: print(e)")
    assert done.stdout.startswith("this needs cv2, which is not installed; run: pip install 'cctview[vision]'")


def test_a_library_without_an_extra_is_no_business_of_ours() -> None:
    assert extras.missing(ModuleNotFoundError("gone", name="nowhere")) is None
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        extras.imported("nowhere")
    assert issubclass(MissingExtraError, ImportError)


def test_every_library_with_an_extra_is_in_that_extra() -> None:
    names = {"cv2": "opencv-python-headless", "pydantic": "fastapi"}
    declared = [line.replace('"', "'") for line in requires("cctview") or ()]
    for library, extra in extras._EXTRAS.items():
        wanted = names.get(library, library)
        assert any(line.startswith(wanted) and f"extra == '{extra}'" in line for line in declared), (library, extra)


def test_the_doctor_says_what_is_not_installed() -> None:
    code = (
        "import sys; from importlib import metadata, util; there, spec = metadata.version, util.find_spec\n"
        "def gone(name):\n"
        "    if name in ('onnxruntime', 'av'): raise metadata.PackageNotFoundError(name)\n"
        "    return there(name)\n"
        "metadata.version = gone\n"
        "util.find_spec = lambda name, *rest: None if name == 'onnxruntime' else spec(name, *rest)\n"
        f"{COMMAND}"
    )
    done = without({"onnxruntime"}, code, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["libraries"]["onnxruntime"] == found["libraries"]["av"] == "not installed"
    assert found["providers"] == []
