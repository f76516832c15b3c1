"""Model records and the runtime that opens the weights they describe."""

from cctview.models.record import ModelRecord, bundled_models, find_model
from cctview.models.runtime import RuntimeSettings, providers, runner

__all__ = ["ModelRecord", "RuntimeSettings", "bundled_models", "find_model", "providers", "runner"]
