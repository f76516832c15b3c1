"""Reading and writing whole files: never a half-written one, never a hostile one believed."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from cctview.errors import FormatError, InputError

__all__ = ["ecma_json", "file_name", "read_json", "replacing", "write_bytes", "write_text"]

_MAX_JSON_BYTES = 256_000_000


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Hand out a path to write to, which becomes ``path`` in one step when all went well.

    Raise InputError when the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".writing-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    os.close(handle)
    written = Path(name)
    try:
        yield written
        written.chmod(0o666 & ~_umask())
        written.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from error
    finally:
        written.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step."""
    with replacing(path) as written:
        written.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file in one step."""
    with replacing(path) as written:
        written.write_bytes(data)


def file_name(name: str) -> str:
    """Return ``name`` where it is safe as a file's name; raise FormatError where it would leave the folder."""
    if not name.strip(".") or any(letter in "/\\" or ord(letter) < 32 for letter in name):
        raise FormatError(f"{name[:200]!r} cannot name a file; it must be free of slashes and control characters")
    return name


def read_json(path: Path, *, most_bytes: int = _MAX_JSON_BYTES) -> dict[str, Any]:
    """Read a JSON object; raise FormatError for anything else, NaN and infinity included."""
    try:
        if path.stat().st_size > most_bytes:
            raise FormatError(f"{path}: refused, larger than {most_bytes / 1e6:g} MB")
        data = json.loads(path.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(data, dict):
        raise FormatError(f"{path}: expected a JSON object, got {type(data).__name__}")
    return data


def ecma_json(value: Any, indent: str = "") -> str:
    """Return JSON as ``JSON.stringify(value, null, 2)`` writes it, which the original's files were made by."""
    inner = indent + "  "
    if isinstance(value, Mapping):
        return _block("{}", [f"{json.dumps(key)}: {ecma_json(item, inner)}" for key, item in value.items()], indent)
    if isinstance(value, list):
        return _block("[]", [ecma_json(item, inner) for item in value], indent)
    return _ecma_number(value) if isinstance(value, float) else json.dumps(value)


def _block(brackets: str, lines: list[str], indent: str) -> str:
    if not lines:
        return brackets
    inner = "\n" + indent + "  "
    return f"{brackets[0]}{inner}{f',{inner}'.join(lines)}\n{indent}{brackets[1]}"


def _ecma_number(value: float) -> str:
    """Write the shortest decimal that reads back the same (ECMA-262, Number::toString)."""
    digits, _, power = repr(value).partition("e")
    if not power:
        return digits.removesuffix(".0")
    if -7 < int(power) < 21:
        return format(Decimal(repr(value)), "f")
    return f"{digits.removesuffix('.0')}e{int(power):+d}"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
