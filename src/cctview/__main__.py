"""Run the command line with ``python -m cctview``."""

from cctview.cli import main

if __name__ == "__main__":
    main()
