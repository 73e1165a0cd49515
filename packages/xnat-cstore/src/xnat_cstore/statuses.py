"""What a receiver says to an instance (PS3.4 B.2.3, PS3.7 C), and what is to be done about it."""

from __future__ import annotations

from xnat_cstore.dimse import Answer

_MEANINGS = {
    0x0106: "invalid attribute value",
    0x0110: "processing failure",
    0x0111: "duplicate SOP instance",
    0x0112: "no such SOP instance",
    0x0115: "invalid argument value",
    0x0116: "attribute value out of range",
    0x0117: "invalid object instance",
    0x0118: "no such SOP class",
    0x0119: "class and instance conflict",
    0x0120: "missing attribute",
    0x0122: "SOP class not supported",
    0x0124: "not authorised",
    0x0210: "duplicate invocation",
    0x0211: "unrecognised operation",
    0x0212: "mistyped argument",
    0x0213: "resource limitation",
    0xB000: "values were changed",
    0xB006: "elements were left out",
    0xB007: "the data set does not match its SOP class",
}
_RANGES = {0xA7: "out of resources", 0xA8: "refused", 0xA9: "does not match its SOP class"}


def is_stored(answer: Answer) -> bool:
    """Whether the receiver has the instance, with a warning perhaps."""
    return answer.status == 0 or is_warning(answer)


def is_warning(answer: Answer) -> bool:
    """Whether it has the instance, and something to say about it."""
    return answer.status >> 12 == 0xB or answer.status in (0x0001, 0x0107)


def may_pass(answer: Answer, *, sent_before: bool = False) -> bool:
    """Whether the same instance may be taken a moment later.

    XNAT understands nothing, too, while it writes what an association that was lost had sent.
    """
    return answer.status >> 8 == 0xA7 or (sent_before and answer.status == 0xC000)


def code(answer: Answer) -> str:
    """The status as DICOM writes it: `A700`."""
    return f"{answer.status:04X}"


def explained(answer: Answer) -> str:
    """`A700 (out of resources): disk full`, with the receiver's own words behind the colon."""
    meaning = _MEANINGS.get(answer.status) or _RANGES.get(answer.status >> 8)
    if meaning is None and answer.status >> 12 == 0xC:
        meaning = "cannot understand"
    said = f": {answer.comment}" if answer.comment else ""
    return f"{code(answer)}{f' ({meaning})' if meaning else ''}{said}"
