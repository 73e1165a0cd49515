"""Elements by the names that people give them."""

from __future__ import annotations

import re

from xnat_core.commandline import nearest
from xnat_core.errors import UsageError

_NUMBERS = re.compile(r"\(?([0-9A-Fa-f]{4}),? ?([0-9A-Fa-f]{4})\)?")


def tag_named(name: str) -> int:
    """The tag of a keyword or of `(gggg,eeee)`. Raises UsageError."""
    numbers = _NUMBERS.fullmatch(name)
    return int(numbers[1] + numbers[2], 16) if numbers else tag_of_keyword(name)


def tag_of_keyword(name: str) -> int:
    """The tag of a keyword. Raises UsageError that names the nearest."""
    from pydicom.datadict import keyword_dict

    tag = keyword_dict.get(name)
    if tag is None:
        raise UsageError(f"{name}: no DICOM keyword{nearest(name, list(keyword_dict))}")
    return tag
