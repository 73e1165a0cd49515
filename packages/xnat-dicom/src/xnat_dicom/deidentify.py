"""A data set made into one that does not tell whose it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_core.errors import DicomError
from xnat_dicom.pixels import PIXELS
from xnat_dicom.profile import EDITION, action_of, dummy
from xnat_dicom.pseudonyms import Pseudonyms
from xnat_dicom.reading import read_elements, tags_of, text

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset, FileDataset
    from pydicom.tag import BaseTag

_PROFILE = "DICOM PS3.15 Basic Profile"
METHOD = f"{_PROFILE} {EDITION}"
_METHOD = 0x00120063
_PATIENT_ID, _ISSUER, _PATIENT_NAME, _STUDY = 0x00100020, 0x00100021, 0x00100010, 0x0020000D
_SERIES, _INSTANCE = 0x0020000E, 0x00080018
_BURNED_IN = 0x00280301


def is_copy(path: Path) -> bool:
    """Whether a file has been written by this tool, in this or another edition of the profile."""
    try:
        found = read_elements(path, [_METHOD])
    except DicomError:
        return False
    return _PROFILE in str(found.get(_METHOD))


@dataclass(frozen=True)
class Deidentifier:
    """Applies the profile; the same pseudonyms make files that belong together stay together.

    Sequences are entered to their last item. What is in no dictionary is removed like private
    elements, for nobody knows what it says. `patient_id` and `patient_name` stand for all patients;
    without them each gets a pseudonym.
    """

    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms)
    patient_id: str | None = None
    patient_name: str | None = None
    keep_private: bool = False

    def apply(self, dataset: FileDataset) -> list[str]:
        """Change the data set, and tell what may still say whose it is.

        Raises ValueError for one that is no instance of anything.
        """
        _take_from_head(dataset)
        pseudonym = self._patient(dataset)
        remains = _remains(dataset, self.keep_private)
        self._clean(dataset)
        dataset.PatientID = self.patient_id or pseudonym
        dataset.PatientName = self.patient_name or self.patient_id or pseudonym
        self._declare(dataset)
        _renew_meta(dataset)
        return remains

    def _patient(self, dataset: Dataset) -> str:
        id, name = text(dataset, _PATIENT_ID), text(dataset, _PATIENT_NAME)
        if id:
            return self.pseudonyms.patient("id", text(dataset, _ISSUER) or "", id)
        if name:
            return self.pseudonyms.patient("name", name)
        # Without any of these, all who are nobody would become one.
        tags = (_STUDY, _SERIES, _INSTANCE)
        alone = next((uid for tag in tags if (uid := text(dataset, tag))), "")
        return self.pseudonyms.patient("study", alone)

    def _clean(self, dataset: Dataset, *, blank: bool = False) -> None:
        """Act on every element; `blank` leaves no value in the items of a sequence."""
        for tag in tags_of(dataset):
            action = action_of(tag)
            if tag.is_private:
                if not self.keep_private or blank:
                    del dataset[tag]
            elif action == "X" or (action is None and not _is_known(tag)):
                del dataset[tag]
            elif action is not None or blank or _may_be_sequence(dataset, tag):
                _tell_sequence(dataset, tag)
                self._act(dataset[tag], action, blank)

    def _act(self, element: DataElement, action: str | None, blank: bool) -> None:
        if element.VR == "SQ":
            if action == "Z":
                element.value = []
            for item in element.value:
                self._clean(item, blank=blank or action == "D")
        elif action == "Z":
            element.clear()
        elif action == "U" or (element.VR == "UI" and (blank or action == "D")):
            self._renew(element)
        elif (blank or action == "D") and not element.is_empty:
            element.value = dummy(element)

    def _renew(self, element: DataElement) -> None:
        if element.is_empty:
            return
        if element.VM > 1:
            element.value = [self.pseudonyms.uid(str(uid)) for uid in element.value]
        else:
            element.value = self.pseudonyms.uid(str(element.value))

    def _declare(self, dataset: FileDataset) -> None:
        from pydicom.dataset import Dataset

        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = METHOD
        dataset.LongitudinalTemporalInformationModified = "REMOVED"
        if self.keep_private:
            # Nobody has looked at what they say, so the profile may not be claimed.
            dataset.DeidentificationMethod = [METHOD, "private elements kept"]
            dataset.pop(0x00120064, None)
            return
        code = Dataset()
        code.CodeValue = "113100"
        code.CodingSchemeDesignator = "DCM"
        code.CodeMeaning = "Basic Application Confidentiality Profile"
        dataset.DeidentificationMethodCodeSequence = [code]


def _is_known(tag: BaseTag) -> bool:
    from pydicom.datadict import dictionary_has_tag, repeater_has_tag

    return tag.element == 0 or dictionary_has_tag(tag) or repeater_has_tag(tag)


def _may_be_sequence(dataset: Dataset, tag: BaseTag) -> bool:
    """Asked of the file and the dictionary: what stays as it is need not be decoded."""
    from pydicom.datadict import dictionary_VR

    vr = dataset.get_item(tag).VR
    return vr in ("SQ", "UN") or (vr is None and tag.element != 0 and dictionary_VR(tag) == "SQ")


def _tell_sequence(dataset: Dataset, tag: BaseTag) -> None:
    """Say that an element is a sequence where the file says nothing: by itself the library asks the
    dictionary only for small ones, and nobody would look into the others."""
    from pydicom.datadict import dictionary_has_tag, dictionary_VR
    from pydicom.dataelem import RawDataElement

    raw = dataset.get_item(tag)
    if not (isinstance(raw, RawDataElement) and raw.VR == "UN"):
        return
    if dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ":
        dataset[tag] = raw._replace(VR="SQ")


def _remains(dataset: Dataset, keep_private: bool) -> list[str]:
    """What the profile does not reach."""
    remains = []
    burned = text(dataset, _BURNED_IN)
    if burned != "NO" and any(tag in dataset for tag in PIXELS):
        says = f"is {burned}" if burned else "is absent"
        remains.append(f"pixels were not looked at, and BurnedInAnnotation {says}")
    if keep_private and any(tag.is_private for tag in tags_of(dataset)):
        remains.append("private elements were kept")
    return remains


def _take_from_head(dataset: FileDataset) -> None:
    """Class and instance, where the head of the file alone names them."""
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        if dataset.get(keyword):
            continue
        uid = dataset.file_meta.get(f"MediaStorage{keyword}")
        if not uid:
            raise ValueError(f"no {keyword}")
        setattr(dataset, keyword, uid)


def _renew_meta(dataset: FileDataset) -> None:
    """A file head that names the class, the instance and the syntax, and nobody's machine."""
    from pydicom.dataset import FileMetaDataset

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if "TransferSyntaxUID" in dataset.file_meta:
        meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    dataset.file_meta = meta
    # 128 bytes that DICOM does not use: whole pages of other formats have been found there.
    dataset.preamble = b"\0" * 128
