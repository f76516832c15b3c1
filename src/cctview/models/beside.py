"""Which files hold the weights of an ONNX graph that keeps them outside of itself.

ONNX stores a graph as protocol buffers: a field is a key (its number and kind) and a value. Read here are the
tensors of the graph and of its nodes, and in them the entries ``location`` of their external data.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from cctview.errors import ModelError

__all__ = ["external_files"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Field numbers of onnx.proto: the way from a model to its tensors, graphs within nodes included.
_GRAPH_OF_MODEL, _NODE, _TENSOR = 7, 1, 5
_ATTRIBUTE, _TENSOR_OF_ATTRIBUTE, _GRAPH_OF_ATTRIBUTE, _TENSORS, _GRAPHS = 5, 5, 6, 10, 11
_EXTERNAL, _KEY, _VALUE = 13, 1, 2


def external_files(weights: bytes, where: Path) -> dict[str, Path]:
    """Return the files beside ``where`` that hold weights of this graph, by the name that it gives them.

    Raise ModelError for one that is not there, and for a name that would lead out of the folder.
    """
    found = {}
    for name in sorted(set(_locations(memoryview(weights)))):
        place = PurePosixPath(name.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts:
            raise ModelError(f"{where} keeps weights at {name!r}, outside of its folder; that is refused")
        if not (where.parent / place).is_file():
            raise ModelError(f"{where} keeps its weights in {name!r}, which is not beside it; put both into one folder")
        found[name] = where.parent / place
    return found


def _locations(model: memoryview) -> Iterator[str]:
    try:
        for number, value in _fields(model):
            if number == _GRAPH_OF_MODEL:
                yield from _of_graph(value)
    except (IndexError, UnicodeDecodeError):
        return  # no protocol buffer: the runtime says so


def _of_graph(graph: memoryview) -> Iterator[str]:
    for number, value in _fields(graph):
        if number == _TENSOR:
            yield from _of_tensor(value)
        elif number == _NODE:
            for inner, attribute in _fields(value):
                yield from _of_attribute(attribute) if inner == _ATTRIBUTE else ()


def _of_attribute(attribute: memoryview) -> Iterator[str]:
    for number, value in _fields(attribute):
        if number in (_TENSOR_OF_ATTRIBUTE, _TENSORS):
            yield from _of_tensor(value)
        elif number in (_GRAPH_OF_ATTRIBUTE, _GRAPHS):
            yield from _of_graph(value)


def _of_tensor(tensor: memoryview) -> Iterator[str]:
    for number, value in _fields(tensor):
        if number == _EXTERNAL:
            entry = dict(_fields(value))
            if bytes(entry.get(_KEY, b"")) == b"location":
                yield bytes(entry.get(_VALUE, b"")).decode()


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of the fields that hold bytes; the others are passed over."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == _BYTES:
            size, place = _varint(message, place)
            yield key >> 3, message[place : place + size]
            place += size
        elif kind == _VARINT:
            _, place = _varint(message, place)
        elif kind in (_FIXED64, _FIXED32):
            place += 8 if kind == _FIXED64 else 4
        else:
            return


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
