"""The command line: a thin skin over the library, one module per group of verbs."""

from __future__ import annotations

import json
import os
import sys

from cctview.errors import CctviewError
from cctview.extras import missing

__all__ = ["main"]


def main() -> None:
    """Run the command line; exit 0 done, 1 failed, 2 misuse, 3 a gate was missed, 130 interrupted, 143 ended."""
    # Stages run side by side already: threads of the linear algebra beside them would only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from cctview.cli.app import app  # here, so that importing the package stays free

    try:
        app()
    except CctviewError as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        known = missing(error)
        if known is None:
            raise
        _fail(str(known))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


def _fail(message: str) -> None:
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"error": message}) + "\n")
    from cctview.cli.screen import visible

    sys.stderr.write(f"error: {visible(message)}\n")
    sys.exit(1)
