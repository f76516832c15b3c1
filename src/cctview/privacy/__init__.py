"""What may be stored, for how long and for which purpose: pure functions on tables and pixels."""

from __future__ import annotations

from cctview.privacy.admission import Admission, admit, expired, expires_before
from cctview.privacy.log import LogEntry, broken_at, require_purpose
from cctview.privacy.policy import UNLIMITED, Kept, Policy
from cctview.privacy.pseudonyms import ids_behind, pseudonyms
from cctview.privacy.redaction import redact

__all__ = [
    "UNLIMITED",
    "Admission",
    "Kept",
    "LogEntry",
    "Policy",
    "admit",
    "broken_at",
    "expired",
    "expires_before",
    "ids_behind",
    "pseudonyms",
    "redact",
    "require_purpose",
]
