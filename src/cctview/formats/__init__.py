"""Files that others use, read and written: those of the original cctview, and CSV, JSON, Parquet."""

from __future__ import annotations
