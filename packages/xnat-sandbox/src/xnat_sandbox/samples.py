"""Small valid DICOM for demos and tests, made on the spot.

The same arguments always make the same bytes and UIDs, so that a test can send a series twice and a
demo looks alike everywhere. Series of one patient and session belong to one study unless told
otherwise.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

SOP_CLASSES = {
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
    "OT": "1.2.840.10008.5.1.4.1.1.7",
}
DESCRIPTIONS = {"MR": "MPRAGE", "CT": "Thorax 1.0", "PT": "FDG static", "OT": "Screen save"}

_SESSION = (("localizer", 3), ("MPRAGE", 40), ("rest", 60))


def write_series(
    folder: Path,
    *,
    modality: str = "MR",
    series: int = 1,
    instances: int = 3,
    rows: int = 16,
    patient: str = "SUB001",
    session: str | None = None,
    study_uid: str | None = None,
    series_uid: str | None = None,
    description: str | None = None,
    study_description: str = "Demo",
    comments: str = "",
    suffix: str = ".dcm",
) -> list[Path]:
    """Write one series into `folder` (made if missing) and name its files in instance order.

    An object has `2 * rows * rows` bytes of pixels. `patient` becomes the subject and `session` (by
    default `{patient}_{modality}1`) the session, unless `comments` such as `Project:P1 Session:S1`
    or the import's parameters say otherwise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for instance in range(1, instances + 1):
        dataset = instance_of(
            modality=modality,
            series=series,
            instance=instance,
            rows=rows,
            patient=patient,
            session=session,
            study_uid=study_uid,
            series_uid=series_uid,
            description=description,
            study_description=study_description,
            comments=comments,
        )
        path = folder / f"{modality.lower()}{series}_{instance:04d}{suffix}"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def instance_of(
    *,
    modality: str = "MR",
    series: int = 1,
    instance: int = 1,
    rows: int = 16,
    patient: str = "SUB001",
    session: str | None = None,
    study_uid: str | None = None,
    series_uid: str | None = None,
    description: str | None = None,
    study_description: str = "Demo",
    comments: str = "",
) -> FileDataset:
    """One object in memory, for C-STORE or for changing before it is written."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

    session = session or f"{patient}_{modality}1"
    study_uid = study_uid or generate_uid(entropy_srcs=["study", patient, session])
    series_uid = series_uid or generate_uid(entropy_srcs=[study_uid, modality, str(series)])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(SOP_CLASSES.get(modality, SOP_CLASSES["OT"]))
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[series_uid, str(instance)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian

    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = "20240430"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = "101500"
    ds.AccessionNumber = ""
    ds.Modality = modality
    ds.Manufacturer = "SANDBOX"
    ds.ManufacturerModelName = "Sample"
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = study_description
    ds.SeriesDescription = description or DESCRIPTIONS.get(modality, modality)
    ds.PatientName = patient
    ds.PatientID = session
    ds.PatientBirthDate = ""
    ds.PatientSex = ""
    if comments:
        ds.PatientComments = comments
    ds.StudyInstanceUID = study_uid
    ds.SeriesInstanceUID = series_uid
    ds.StudyID = "1"
    ds.SeriesNumber = series
    ds.InstanceNumber = instance
    ds.FrameOfReferenceUID = generate_uid(entropy_srcs=[study_uid, "frame"])
    ds.ImagePositionPatient = [0, 0, instance]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.SliceThickness = 1
    ds.PixelSpacing = [1, 1]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows = ds.Columns = rows
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelRepresentation = 0
    ds.PixelData = random.Random(ds.SOPInstanceUID).randbytes(2 * rows * rows)
    return ds


def real_files() -> Iterator[Path]:
    """The small objects from real scanners that pydicom ships, those an importer must accept."""
    import pydicom.data

    folder = Path(pydicom.data.__file__).parent / "test_files"
    names = ("MR_small.dcm", "CT_small.dcm", "rtplan.dcm", "SC_rgb_rle.dcm", "JPEG2000.dcm")
    yield from (folder / name for name in names)


def write_samples(folder: Path) -> list[Path]:
    """Write an MR session of three series and the real files, each below its own subfolder."""
    paths: list[Path] = []
    for series, (description, instances) in enumerate(_SESSION, 1):
        paths += write_series(
            folder / "generated" / f"{series}_{description}",
            series=series,
            instances=instances,
            rows=64,
            description=description,
        )
    real = folder / "real"
    real.mkdir(parents=True, exist_ok=True)
    for source in real_files():
        copy = real / source.name
        copy.write_bytes(source.read_bytes())
        paths.append(copy)
    return paths
