from __future__ import annotations

import subprocess
import sys

HEAVY = {"cv2", "onnxruntime", "lancedb", "pyarrow", "av", "numpy", "typer", "torch"}


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not modules_after("import cctview") & HEAVY


def test_the_command_line_starts_without_models_store_or_arrays() -> None:
    assert not modules_after("import cctview.cli.app") & (HEAVY - {"typer"})


def test_public_names_come_from_their_modules_and_unknown_ones_are_refused() -> None:
    import cctview

    assert all(getattr(cctview, name).__module__.startswith("cctview.") for name in cctview.__all__)
    assert not hasattr(cctview, "nothing")
