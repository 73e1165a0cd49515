"""From modalities to XNAT's data types."""

from __future__ import annotations

from collections.abc import Iterable

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
OTHER_SCAN = "xnat:otherDicomScanData"
OTHER_SESSION = "xnat:otherDicomSessionData"

SCANS = {
    "MR": "mr", "CT": "ct", "PT": "pet", "CR": "cr", "XA": "xa", "DX": "dx", "MG": "mg", "NM": "nm",
    "US": "us", "IO": "io", "ES": "es", "GM": "gm", "OP": "op", "OPT": "opt", "RF": "rf",
    "XC": "xc", "HD": "hd", "ECG": "ecg", "EPS": "eps", "SM": "sm", "SR": "sr", "SEG": "seg",
    "RTIMAGE": "rtImage", "RTSTRUCT": "rtImage", "RTDOSE": "rtImage", "RTPLAN": "rtImage",
}  # fmt: skip

# The leading modality of a session, strongest first: an MR session may hold a secondary capture.
SESSIONS = {
    "PT": "pet", "MR": "mr", "CT": "ct", "NM": "nm", "XA": "xa", "RF": "rf", "DX": "dx", "CR": "cr",
    "MG": "mg", "IO": "io", "US": "us", "ES": "es", "GM": "gm", "OP": "op", "OPT": "opt",
    "XC": "xc", "HD": "hd", "ECG": "ecg", "EPS": "eps", "SM": "sm",
    "RTIMAGE": "rt", "RTSTRUCT": "rt", "RTDOSE": "rt", "RTPLAN": "rt", "SR": "sr",
}  # fmt: skip


def scan_type(modality: str, sop_class_uid: str) -> str:
    if sop_class_uid == SECONDARY_CAPTURE or sop_class_uid.startswith(SECONDARY_CAPTURE + "."):
        return "xnat:scScanData"
    stem = SCANS.get(modality.upper())
    return f"xnat:{stem}ScanData" if stem else OTHER_SCAN


def session_type(modalities: Iterable[str]) -> str:
    present = {modality.upper() for modality in modalities}
    if {"PT", "MR"} <= present:
        return "xnat:petmrSessionData"
    for modality, stem in SESSIONS.items():
        if modality in present:
            return f"xnat:{stem}SessionData"
    return OTHER_SESSION


def session_modality(modalities: Iterable[str]) -> str:
    """The modality that decides the session's type."""
    present = {modality.upper() for modality in modalities}
    return next((modality for modality in SESSIONS if modality in present), "OT")
