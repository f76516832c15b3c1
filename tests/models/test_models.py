from __future__ import annotations

from pathlib import Path

import pytest

from cctview.errors import ModelError, ModelNotFoundError, SettingsError
from cctview.models import RuntimeSettings, bundled_models, find_model, providers, runner

RECORD = """
name = "x"
version = "1"
task = "embedding"
file = "x.onnx"
sha256 = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"
licence = "MIT"
origin = "test"
dimension = 128
[input]
width = 48
"""


@pytest.fixture
def record(tmp_path: Path) -> Path:
    (tmp_path / "x.onnx").write_bytes(b"key")
    path = tmp_path / "x.toml"
    path.write_text(RECORD)
    return path


def test_every_bundled_record_is_complete_and_its_weights_are_whole() -> None:
    records = bundled_models()
    assert {part.task for part in records} == {"detection", "embedding"}
    for part in records:
        assert part.verified_weights()
        assert part.licence
        assert part.origin
        assert part.trained_on
        assert part.accuracy
    assert sum(len(part.verified_weights()) for part in records) <= 12_000_000


def test_a_record_is_found_by_path_and_by_name(record: Path) -> None:
    assert find_model(str(record), "embedding").producer == "x 1 2c70e12b7a06"
    with pytest.raises(ModelNotFoundError, match="did you mean 'cctview-det'"):
        find_model("cctview-dett", "detection")
    with pytest.raises(ModelError, match="for embedding, not for detection"):
        find_model(str(record), "detection")


def test_missing_and_damaged_weights(record: Path) -> None:
    found = find_model(str(record), "embedding")
    found.weights.write_bytes(b"other")
    with pytest.raises(ModelError, match="damaged"):
        found.verified_weights()
    found.weights.unlink()
    with pytest.raises(ModelNotFoundError, match="import or pull the model again"):
        found.verified_weights()
    with pytest.raises(ModelNotFoundError, match="no model record"):
        find_model(str(record.with_name("no.toml")), "embedding")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('licence = "MIT"', "", "lacks or misstates 'licence'"),
        ('task = "embedding"', 'task = "embeding"', "did you mean 'embedding'"),
        ("[input]", "[input", "not valid TOML"),
    ],
)
def test_a_broken_record_is_refused(record: Path, old: str, new: str, words: str) -> None:
    record.write_text(RECORD.replace(old, new))
    with pytest.raises(ModelError, match=words):
        find_model(str(record), "embedding")


def test_weights_that_are_no_graph_and_providers_that_are_not_here(record: Path) -> None:
    assert "cpu" in providers()
    with pytest.raises(ModelError, match="onnxruntime refuses"):
        runner(find_model(str(record), "embedding"), RuntimeSettings())
    with pytest.raises(SettingsError, match="no execution provider 'gpu'"):
        runner(find_model(str(record), "embedding"), RuntimeSettings(provider="gpu"))
