"""Write the reference of the command line from the program itself.

python docs/make_reference.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from cctview.cli.app import app

FILE = Path(__file__).parent / "reference.md"
_HEAD = """# Reference

Written by `python docs/make_reference.py` from the program itself; a test keeps it so. Exit codes: 0 done,
1 failed, 2 misuse, 3 a gate was missed, 130 interrupted, 143 ended from
outside.
"""


def reference() -> str:
    """Return the text of the reference."""
    return "\n".join([_HEAD, *_commands(get_command(app), ["cctview"])]).rstrip() + "\n"


def _commands(command: Any, words: list[str]) -> Iterator[str]:
    """Yield a section for each verb, groups unfolded."""
    inner = getattr(command, "commands", None)
    if inner:
        for name in inner:
            yield from _commands(inner[name], [*words, name])
        return
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option"]
    usage = " ".join([*words, *(_placeholder(param) for param in arguments)])
    yield f"## `{usage}`\n\n{' '.join((command.help or '').split())}\n"
    rows = [f"| `{_placeholder(param)}` | {_said(param)} |" for param in arguments]
    rows += [f"| {_names(param)} | {_said(param)} |" for param in options]
    if rows:
        yield "\n".join(["| | |", "|---|---|", *rows, ""])


def _placeholder(param: Any) -> str:
    name = (param.metavar or param.name).upper()
    return f"{name}..." if param.nargs == -1 else name


def _names(param: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*param.opts, *param.secondary_opts])
    return names if param.is_flag else f"{names} VALUE"


def _said(param: Any) -> str:
    told = " ".join((getattr(param, "help", None) or "").replace("|", "\\|").split())
    default = param.default
    if param.required or default in (None, False, ()) or callable(default):
        return told
    shown = f"Default: `{default}`." if not param.is_flag else ""
    return f"{told} {shown}".strip()


if __name__ == "__main__":
    FILE.write_text(reference(), encoding="utf-8")
