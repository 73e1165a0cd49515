"""The data types the sandbox knows: their ancestry and the names of their elements."""

from __future__ import annotations

ROOT = "xnat:experimentData"
SUBJECT_ASSESSOR = "xnat:subjectAssessorData"
IMAGE_SESSION = "xnat:imageSessionData"
IMAGE_ASSESSOR = "xnat:imageAssessorData"

# XML element and display name of the types that do not follow the pattern of `element_of`.
_MODALITIES = (
    "mr ct pet petmr cr dx mg us xa nm rf es ecg eps hd io op opt sm smx xc rt gm gmv eeg meg"
)
SESSION_TYPES = {
    f"xnat:{name}SessionData": f"{name.upper()}Session" for name in _MODALITIES.split()
}
SESSION_TYPES |= {
    "xnat:otherDicomSessionData": "OtherDicomSession",
    "xnat:srSessionData": "SRSession",
    "xnat:xcvSessionData": "XCVSession",
    "xnat:xa3DSessionData": "XA3DSession",
}
SCAN_TYPES = {
    type.replace("Session", "Scan"): name.replace("Session", "Scan")
    for type, name in SESSION_TYPES.items()
}
SCAN_TYPES |= {
    "xnat:scScanData": "SCScan",
    "xnat:rtImageScanData": "RTImageScan",
    "xnat:segScanData": "SegScan",
    "xnat:srScanData": "SRScan",
    "xnat:mrsScanData": "MRSScan",
    "xnat:voiceAudioScanData": "VoiceAudioScan",
}
ASSESSOR_TYPES = {
    "xnat:qcManualAssessorData": "QCManualAssessment",
    "xnat:qcAssessmentData": "QCAssessment",
    "xnat:mrAssessorData": "MRAssessor",
    "xnat:petAssessorData": "PETAssessor",
    "xnat:ctAssessorData": "CTAssessor",
    "icr:roiCollectionData": "RoiCollection",
    "proc:genProcData": "GenProc",
    "fs:fsData": "Freesurfer",
}
SUBJECT_ASSESSOR_TYPES = {
    "xnat:subjectVariablesData": "SubjectVariables",
    "xnat:genericSubjectAssessmentData": "GenericSubjectAssessment",
    "xnat:pVisitData": "PVisit",
}
ABSTRACT = {ROOT, SUBJECT_ASSESSOR, IMAGE_SESSION, IMAGE_ASSESSOR, "xnat:imageScanData"}


def element_of(xsi_type: str) -> str:
    """The XML element of a type: `xnat:MRSession` for `xnat:mrSessionData`."""
    prefix, _, name = xsi_type.partition(":")
    fixed = {"xnat:projectData": "Project", "xnat:subjectData": "Subject"}
    known = (
        fixed.get(xsi_type)
        or SESSION_TYPES.get(xsi_type)
        or SCAN_TYPES.get(xsi_type)
        or ASSESSOR_TYPES.get(xsi_type)
        or SUBJECT_ASSESSOR_TYPES.get(xsi_type)
    )
    if known:
        return f"{prefix}:{known}"
    bare = name.removesuffix("Data")
    return f"{prefix}:{bare[:1].upper()}{bare[1:]}"


def type_of(element: str) -> str | None:
    """The type of an XML element, the reverse of `element_of` for the types known by name."""
    tables = (SESSION_TYPES, SCAN_TYPES, ASSESSOR_TYPES, SUBJECT_ASSESSOR_TYPES)
    types = ["xnat:projectData", "xnat:subjectData", *(type for table in tables for type in table)]
    return next((type for type in types if element_of(type) == element), None)


def known_type(xsi_type: str) -> str | None:
    """A type in its proper spelling, which clients need not keep; None when there is none."""
    tables = (SESSION_TYPES, SCAN_TYPES, ASSESSOR_TYPES, SUBJECT_ASSESSOR_TYPES)
    names = [*ABSTRACT, "xnat:subjectData", "xnat:projectData"]
    names += [type for table in tables for type in table]
    return next((name for name in names if name.lower() == xsi_type.lower()), None)


def lineage(xsi_type: str) -> set[str]:
    """A type and what it descends from; empty for a type that there is not."""
    for table, parents in (
        (SESSION_TYPES, (IMAGE_SESSION, SUBJECT_ASSESSOR, ROOT)),
        (SCAN_TYPES, ("xnat:imageScanData",)),
        (ASSESSOR_TYPES, (IMAGE_ASSESSOR, ROOT)),
        (SUBJECT_ASSESSOR_TYPES, (SUBJECT_ASSESSOR, ROOT)),
        ({IMAGE_SESSION: ""}, (SUBJECT_ASSESSOR, ROOT)),
    ):
        if xsi_type in table:
            return {xsi_type, *parents}
    return {xsi_type} if known_type(xsi_type) == xsi_type else set()


def is_session(xsi_type: str) -> bool:
    """Whether a type is an imaging session."""
    return xsi_type in SESSION_TYPES
