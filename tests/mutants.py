"""Change one thing in the source at a time and ask whether the tests notice.

    python tests/mutants.py [NAME ...] [--list]

Mutants stand in mutants.toml: the file below src/cctview, the ``old`` text that must occur there exactly once, the
``new`` one, and the tests that should fail. A NAME is that of a mutant or the beginning of some ("road/"); without
any, all are run. Each is applied to a copy of src, so that the checkout is never touched. Ends with exit code 1 when
the tests let one live. Survivors that change nothing a test could see carry the reason, ``equal``, and must survive.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIST = Path(__file__).with_name("mutants.toml")
LONGEST_S = 900  # a mutant that makes its tests run longer is noticed
_PASSED, _FAILED = 0, 1


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change of the source, and the tests that ought to notice it."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    equal: str = ""

    def applied(self, text: str) -> str:
        """The text of its file with the change; raises ValueError when it no longer fits."""
        if (count := text.count(self.old)) != 1:
            raise ValueError(f"{self.name}: {self.old!r} occurs {count} times in {self.file}, not once")
        return text.replace(self.old, self.new)


def mutants(path: Path = LIST) -> list[Mutant]:
    """All mutants of the list, in its order."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


def chosen(names: list[str]) -> list[Mutant]:
    """The mutants whose names begin like one of these; all without names."""
    found = [mutant for mutant in mutants() if not names or mutant.name.startswith(tuple(names))]
    if not found:
        raise SystemExit(f"no mutant is called {' or '.join(names)}; --list shows their names")
    return found


def outcome(mutant: Mutant, source: Path) -> str:
    """Whether its tests noticed a mutant: "killed" or "survived"; the copy ``source`` is whole again afterwards."""
    file = source / "cctview" / mutant.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(mutant.applied(whole), encoding="utf-8")
    try:
        code = tested(mutant.tests, source)
    finally:
        file.write_text(whole, encoding="utf-8")
    if code not in {_PASSED, _FAILED}:
        raise SystemExit(f"{mutant.name}: pytest ended with {code}, the tests did not run: mend the mutant")
    return "survived" if code == _PASSED else "killed"


def tested(tests: tuple[str, ...], source: Path) -> int:
    """The exit code of pytest over tests of this checkout that import the package from ``source``."""
    options = ["-q", "-x", "-p", "no:cacheprovider", "-o", "addopts="]
    try:
        return python(source, "-m", "pytest", *options, *tests).returncode
    except subprocess.TimeoutExpired:
        return _FAILED


def python(source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python with ``source`` before all other places to import from, and pytest without its plugins."""
    paths = {"PYTHONPATH": str(source), "HYPOTHESIS_STORAGE_DIRECTORY": str(source.with_name("hypothesis"))}
    switches = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | paths | switches,
        check=False,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )


def copied(folder: Path) -> Path:
    """A copy of src, made sure that it is what Python imports, also where the package is installed."""
    source = shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    where = python(source, "-c", "import cctview; print(cctview.__file__)").stdout.strip()
    if not Path(where).is_relative_to(source):
        raise SystemExit(f"the tests would import {where}, not the copy {source}: nothing can be learnt")
    return source


def healthy(tests: set[str], source: Path) -> None:
    """Stop when the tests fail without any mutant, for then none is killed by them."""
    if tested(tuple(sorted(tests)), source) != _PASSED:
        raise SystemExit("tests fail without any mutant; make them pass first: pytest " + " ".join(sorted(tests)))


def main() -> int:
    """Run the mutants that are asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="beginnings of names; all without any")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    asked = parser.parse_args()
    these = chosen(asked.names)
    if asked.list:
        print(*(mutant.name for mutant in these), sep="\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        source = copied(Path(folder).resolve())
        healthy({test for mutant in these for test in mutant.tests}, source)
        wrong = sum(not as_it_should(mutant, source) for mutant in these)
    print(f"{len(these)} mutants, {wrong} not as they should be")
    return int(wrong > 0)


def as_it_should(mutant: Mutant, source: Path) -> bool:
    """Run a mutant and print its line of the table."""
    begun = time.monotonic()
    found = outcome(mutant, source)
    right = (found == "survived") == bool(mutant.equal)
    told = f"{found}{', equal' * bool(mutant.equal)}{'' if right else '  <--'}"
    print(f"{mutant.name:<40} {told:<24} {time.monotonic() - begun:5.1f} s", flush=True)
    return right


if __name__ == "__main__":
    sys.exit(main())
