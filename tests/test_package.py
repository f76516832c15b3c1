from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

import cctview

HEAVY = {"cv2", "onnxruntime", "lancedb", "pyarrow", "av", "numpy", "typer", "torch", "scipy"}
FACE = ast.parse(Path(cctview.__file__).read_text(encoding="utf-8"))


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def promised() -> dict[str, str]:
    """Return where type checkers find each public name: name to module below cctview."""
    (block,) = (node for node in FACE.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert all(alias.asname == alias.name for node in imports for alias in node.names)
    return {alias.name: str(node.module).removeprefix("cctview.") for node in imports for alias in node.names}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not modules_after("import cctview; dir(cctview)") & HEAVY


def test_an_error_or_the_version_loads_nothing_heavy_either() -> None:
    assert not modules_after("import cctview; cctview.StoreError, cctview.__version__") & HEAVY


def test_the_command_line_starts_without_models_store_or_arrays() -> None:
    assert not modules_after("import cctview.cli.app") & (HEAVY - {"typer"})


def test_type_checkers_the_lazy_table_and_all_agree_on_the_public_names() -> None:
    assert promised() == cctview._HOME
    assert sorted(promised()) == sorted(cctview.__all__)
    assert len(set(cctview.__all__)) == len(cctview.__all__)


@pytest.mark.parametrize("name", cctview.__all__)
def test_every_public_name_is_that_of_its_module_and_says_what_it_is(name: str) -> None:
    thing, module = getattr(cctview, name), sys.modules[f"cctview.{cctview._HOME[name]}"]
    assert thing is getattr(module, name)
    assert name in module.__all__
    assert thing.__doc__


@pytest.mark.parametrize("name", cctview.__all__)
def test_no_public_name_stands_before_a_package(name: str) -> None:
    assert find_spec(f"cctview.{name}") is None


def test_every_error_of_the_tree_is_public() -> None:
    from cctview import errors

    assert {name for name in errors.__all__ if name.endswith("Error")} <= set(cctview.__all__)


def test_names_are_listed_and_unknown_ones_are_refused() -> None:
    assert {*cctview.__all__, "__version__"} <= set(dir(cctview))
    assert not hasattr(cctview, "nothing")


def test_the_version_is_that_of_the_installed_package() -> None:
    assert cctview.__version__ == version("cctview")


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CITATION.cff"])
def test_the_changelog_and_the_citation_name_the_version(name: str) -> None:
    told = (Path(__file__).parents[1] / name).read_text(encoding="utf-8")
    heading = {"CHANGELOG.md": "\n## {} ", "CITATION.cff": "\nversion: {}\n"}[name]
    assert heading.format(version("cctview")) in told
