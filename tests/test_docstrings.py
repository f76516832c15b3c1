"""What the reference promises: arrays with their shapes, errors by their names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import cctview
from cctview import errors, seams

SRC = Path(cctview.__file__).parent
# Rooms that only the program itself uses, and the ones behind the seam of stores, which the seam itself describes.
NOT_DESCRIBED = ("cli", "web", "svg", "store")
ERRORS = {name for name in errors.__all__ if name.endswith("Error")}
# One length or more, as of arrays of N boxes, of points of any shape, of pictures; three dots alone for any shape.
SHAPE = re.compile(r"\((?:[A-Z]\w*|\d+|\.\.\.)(?: [+*-] \w+)?,[^()]*\)|\(\.\.\.\)")
# What an implementation of a seam need not say again.
SEAM = re.compile(r"[Ss]ee ``(?:" + "|".join(seams.__all__) + r")``")
MAGIC = ("__call__", "__init__", "__post_init__")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(SRC.rglob("*.py")):
        path = file.relative_to(SRC)
        if path.parts[0] not in NOT_DESCRIBED:
            yield str(path), ast.parse(file.read_text(encoding="utf-8"))


def public_names(module: ast.Module) -> set[str]:
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def public_functions(module: ast.Module) -> Iterator[tuple[str, Function, str]]:
    """Yield each public function and method with its name and what its class says about itself."""
    public = public_names(module)
    for node in module.body:
        if isinstance(node, Function) and node.name in public:
            yield node.name, node, ""
        elif isinstance(node, ast.ClassDef) and node.name in public:
            for inner in node.body:
                if isinstance(inner, Function) and (not inner.name.startswith("_") or inner.name in MAGIC):
                    yield f"{node.name}.{inner.name}", inner, ast.get_docstring(node) or ""


def arrays(module: ast.Module) -> re.Pattern[str]:
    """Return what means an array in the annotations of a module: NDArray, and its own names for some of them."""
    aliases = [
        ast.unparse(node.targets[0])
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("NDArray[")
    ]
    return re.compile(rf"\b({'|'.join(['NDArray', *aliases])})\b")


def signature(function: Function) -> str:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    notes = [argument.annotation for argument in arguments] + [function.returns]
    return " ".join(ast.unparse(note) for note in notes if note is not None)


def raised(function: Function) -> set[str]:
    """Return the errors of ours that a function raises by itself."""
    made = (node.exc for node in ast.walk(function) if isinstance(node, ast.Raise) and node.exc is not None)
    return {ast.unparse(exc.func) for exc in made if isinstance(exc, ast.Call)} & ERRORS


def test_every_public_function_with_arrays_says_their_shapes() -> None:
    silent = [
        f"{path}: {name}"
        for path, module in modules()
        for name, function, about in public_functions(module)
        if arrays(module).search(signature(function))
        and not SHAPE.search(text := f"{about if name.endswith('__') else ''} {ast.get_docstring(function) or ''}")
        and not SEAM.search(text)
    ]
    assert not silent, f"{len(silent)} say no shape, such as (N, 4):\n" + "\n".join(silent)


def test_every_public_function_names_the_errors_it_raises() -> None:
    silent = [
        f"{path}: {name} raises {', '.join(sorted(unnamed))}"
        for path, module in modules()
        for name, function, about in public_functions(module)
        if (unnamed := {e for e in raised(function) if e not in f"{about} {ast.get_docstring(function) or ''}"})
    ]
    assert not silent, f"{len(silent)} do not name an error:\n" + "\n".join(silent)
