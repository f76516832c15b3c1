"""The importer of DenseNet files, against a DenseNet-201 of torchvision's layout in plain torch."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cctview import original
from cctview.embed import load_embedder
from cctview.embed.crops import Cropping, cut
from cctview.errors import ModelError
from cctview.formats.original import read_features
from cctview.models import import_model

torch = pytest.importorskip("torch", reason="torch reads .pth files; pip install 'cctview[convert]'")
pytest.importorskip("onnx", reason="the importer needs onnx")

DENSENET_201 = (6, 12, 48, 32)


def dense_layer(given: int, growth: int) -> Any:
    nn = torch.nn
    layer = nn.Sequential()
    layer.add_module("norm1", nn.BatchNorm2d(given))
    layer.add_module("relu1", nn.ReLU())
    layer.add_module("conv1", nn.Conv2d(given, 4 * growth, 1, bias=False))
    layer.add_module("norm2", nn.BatchNorm2d(4 * growth))
    layer.add_module("relu2", nn.ReLU())
    layer.add_module("conv2", nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False))
    return layer


def network(blocks: tuple[int, ...], growth: int, width: int, classes: int) -> Any:
    """The original's network: torchvision's ``features``, a 7 x 7 average, a classifier."""
    nn = torch.nn

    class Block(nn.ModuleDict):
        def forward(self, value):
            for layer in self.values():
                value = torch.cat([value, layer(value)], 1)
            return value

    features = nn.Sequential()
    features.add_module("conv0", nn.Conv2d(3, width, 7, 2, 3, bias=False))
    features.add_module("norm0", nn.BatchNorm2d(width))
    features.add_module("relu0", nn.ReLU())
    features.add_module("pool0", nn.MaxPool2d(3, 2, 1))
    for number, count in enumerate(blocks, 1):
        block = Block({f"denselayer{i + 1}": dense_layer(width + i * growth, growth) for i in range(count)})
        features.add_module(f"denseblock{number}", block)
        width += count * growth
        if number < len(blocks):
            transition = nn.Sequential()
            transition.add_module("norm", nn.BatchNorm2d(width))
            transition.add_module("relu", nn.ReLU())
            transition.add_module("conv", nn.Conv2d(width, width // 2, 1, bias=False))
            transition.add_module("pool", nn.AvgPool2d(2, 2))
            features.add_module(f"transition{number}", transition)
            width //= 2
    features.add_module("norm5", nn.BatchNorm2d(width))
    model = nn.Module()
    model.features, model.mixer, model.classifier = features, nn.AvgPool2d(7, 1), nn.Linear(width, classes)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    return model.eval()


def reference(model: Any, crops: list[Image.Image]) -> np.ndarray:
    """The original's extraction: torchvision's Resize(256), CenterCrop(224), ToTensor, Normalize."""
    rows = []
    for crop in crops:
        width, height = crop.size
        short = min(width, height)
        size = (int(256 * width / short), int(256 * height / short))
        left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
        middle = crop.resize(size, Image.Resampling.BILINEAR).crop((left, top, left + 224, top + 224))
        scaled = torch.from_numpy(np.array(middle)).permute(2, 0, 1).float() / 255
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        rows.append((scaled - mean[:, None, None]) / std[:, None, None])
    with torch.no_grad():
        return torch.flatten(model.mixer(model.features(torch.stack(rows))), 1).numpy()


def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(2)
    return [Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)) for size in ((11, 10), (40, 90), (300, 31))]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("densenet")
    model = network((2, 1, 2, 1), 4, 8, 5)
    torch.save(model.state_dict(), folder / "small.pth")
    import_model(folder / "small.pth", library=folder, name="small")
    return model, folder


def test_densenet_201_gives_the_vectors_torch_gives(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = network(DENSENET_201, 32, 64, 576)
    names = model.state_dict()
    assert len(names) == 6 + 98 * 12 + 3 * 6 + 5 + 2  # stem, dense layers, transitions, norm5, classifier
    assert names["features.denseblock4.denselayer32.conv2.weight"].shape == (32, 128, 3, 3)
    assert names["classifier.weight"].shape == (576, 1920)
    torch.save(names, tmp_path / "full.pth")
    assert (tmp_path / "full.pth").stat().st_size == pytest.approx(77_940_536, rel=0.01)
    record = import_model(tmp_path / "full.pth", library=tmp_path)
    assert record.name == "densenet-veri"
    assert record.settings["dimension"] == 1920
    embedder = load_embedder(str(tmp_path / "densenet-veri.toml"))
    crops = pictures()[:2]
    ours = embedder.features(np.concatenate([_cut(crop, embedder.cropping) for crop in crops]))
    theirs = reference(model, crops)
    assert ours.shape == (2, 1920)
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()
    assert (ours < 0).any()  # no ReLU before the average


def _cut(crop: Image.Image, cropping: Cropping) -> np.ndarray:
    pixels = np.asarray(crop)
    return cut(pixels, np.array([[0, 0, pixels.shape[1], pixels.shape[0]]], np.float32), cropping)


def test_features_are_as_the_model_gives_them_and_embeddings_of_unit_length(small: tuple[Any, Path]) -> None:
    model, folder = small
    embedder = load_embedder(str(folder / "small.toml"))
    crops = pictures()
    pixels = np.concatenate([_cut(crop, embedder.cropping) for crop in crops])
    wanted = reference(model, crops)
    assert embedder.features(pixels) == pytest.approx(wanted, abs=1e-4)
    unit = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
    assert embedder(pixels) == pytest.approx(unit, abs=1e-4)


def test_extract_reads_the_crops_the_original_cut(small: tuple[Any, Path], tmp_path: Path) -> None:
    from cctview.formats.files import ecma_json, write_text

    model, folder = small
    still, size = "733-681-N--2020-05-05--13.34.29", (12, 9)
    name = f"{still}--detections--1--car--64.2--12x9--101.57v113.66"
    entry = {"type": "car", "id": name, "percentage_probability": 64.2, "box_points": [101, 57, 113, 66]}
    write_text(tmp_path / f"{still}--detections.json", ecma_json({"id": still, "model": "m", name: entry}))
    (tmp_path / f"{still}--detections").mkdir()
    Image.fromarray(np.zeros((240, 352, 3), np.uint8)).save(tmp_path / f"{still}--original.jpeg")
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / f"{still}--detections" / f"{name}.jpeg")
    original.extract(tmp_path, load_embedder(str(folder / "small.toml")))
    found = read_features(tmp_path / f"{still}--features.json")
    with Image.open(tmp_path / f"{still}--detections" / f"{name}.jpeg") as crop:
        assert found.vectors == pytest.approx(reference(model, [crop.convert("RGB")]), abs=1e-4)


def test_names_of_older_torchvision_are_read(small: tuple[Any, Path], tmp_path: Path) -> None:
    model, folder = small
    old = {
        re.sub(r"(denselayer\d+\.)(norm|conv)(\d)", r"\1\2.\3", name): value
        for name, value in model.state_dict().items()
    }
    assert old.keys() != model.state_dict().keys()
    torch.save(old, tmp_path / "old.pth")
    import_model(tmp_path / "old.pth", library=tmp_path, name="old")
    assert (tmp_path / "old.onnx").read_bytes() == (folder / "small.onnx").read_bytes()


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harmed"),))


def test_a_pickle_that_would_run_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: tuple[Any, Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({**small[0].state_dict(), "extra": Harmful()}, "new.pth")
    Path("old.pth").write_bytes(pickle.dumps(Harmful()))
    for name in ("new.pth", "old.pth"):
        with pytest.raises(ModelError, match="could run code"):
            import_model(Path(name), library=tmp_path)
    assert not Path("harmed").exists()


def test_files_of_something_else_are_refused(tmp_path: Path, small: tuple[Any, Path]) -> None:
    torch.save({"features.conv0.weight": torch.zeros(4, 3, 7, 7)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match=r"has no features.norm0.weight: it is not a DenseNet"):
        import_model(tmp_path / "other.pth", library=tmp_path)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ModelError, match="no mapping of names to tensors"):
        import_model(tmp_path / "list.pth", library=tmp_path)
    whole = (small[1] / "small.pth").read_bytes()
    (tmp_path / "half.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"not a PyTorch file of weights|could run code"):
        import_model(tmp_path / "half.pth", library=tmp_path)
    lacking = {name: value for name, value in small[0].state_dict().items() if "denselayer1" not in name}
    torch.save(lacking, tmp_path / "lacking.pth")
    with pytest.raises(ModelError, match=r"has the layers \[2\] in features.denseblock1"):
        import_model(tmp_path / "lacking.pth", library=tmp_path)


def test_the_vectors_the_original_published_are_of_this_kind(real_data: Path) -> None:
    """1920 values, some below zero (no ReLU before the average), not of unit length."""
    paths = sorted((real_data / "original" / "sample").rglob("*--features.json"))
    vectors = np.concatenate([read_features(path).vectors for path in paths])
    assert vectors.shape == (57, 1920)
    assert 0.3 < (vectors < 0).mean() < 0.5
    assert (np.linalg.norm(vectors, axis=1) > 10).all()
