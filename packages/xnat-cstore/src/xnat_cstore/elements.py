"""The elements of a data set, as the whole toolbox reads them."""

from xnat_core.dicom_elements import Element, Encoding, Malformed, elements, text_of

__all__ = ["Element", "Encoding", "Malformed", "elements", "text_of"]
