"""Model records, the weights of the package and of the user's library, and the runtime that opens them."""

from cctview.models.importing import import_model
from cctview.models.library import find_model, installed_models, library_folder
from cctview.models.pulling import pull_model, releases
from cctview.models.record import ModelRecord, bundled_models
from cctview.models.runtime import RuntimeSettings, providers, runner

__all__ = [
    "ModelRecord",
    "RuntimeSettings",
    "bundled_models",
    "find_model",
    "import_model",
    "installed_models",
    "library_folder",
    "providers",
    "pull_model",
    "releases",
    "runner",
]
