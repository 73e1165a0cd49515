"""Messages and associations as bytes, held against pynetdicom's reading of them."""

from __future__ import annotations

import contextlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_dataset
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ, P_DATA_TF

from xnat_core.dicom_elements import Encoding, Malformed, elements
from xnat_core.errors import DicomStoreError
from xnat_cstore.dimse import (
    Answer,
    Unintelligible,
    answer_of,
    command_pdus,
    store_request,
    values_of,
)
from xnat_cstore.negotiation import ACCEPTED_PDU, Agreement, agreement, request
from xnat_cstore.receiver import Receiver

MR, CT = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
RECEIVER = Receiver("h", 104, "CALLED", "CALLING")


def test_a_store_request_is_what_the_standard_wants() -> None:
    command = read_dataset(BytesIO(store_request(7, MR, "1.2.3")), True, True)
    assert command.CommandGroupLength == len(store_request(7, MR, "1.2.3")) - 12
    assert (command.CommandField, command.MessageID, command.Priority) == (1, 7, 0)
    assert (command.AffectedSOPClassUID, command.AffectedSOPInstanceUID) == (MR, "1.2.3")
    assert command.CommandDataSetType != 0x0101


@pytest.mark.parametrize("room", [16, 17000])
def test_a_command_is_cut_to_the_room_there_is(room: int) -> None:
    command = store_request(1, MR, "1.2.3")
    stream = command_pdus(5, command, room)
    found, at = b"", 0
    while at < len(stream):
        end = at + 6 + int.from_bytes(stream[at + 2 : at + 6], "big")
        pdu = P_DATA_TF()
        pdu.decode(stream[at:end])
        (value,) = pdu.presentation_data_value_items
        assert value.context_id == 5
        data = value.presentation_data_value or b""
        last = end == len(stream)
        assert data[0] == (3 if last else 1)
        found += data[1:]
        at = end
    assert found == command


def test_a_request_for_an_association_is_what_pynetdicom_reads() -> None:
    pdu = A_ASSOCIATE_RQ()
    pdu.decode(request(RECEIVER, [(MR, EXPLICIT), (CT, EXPLICIT)]))
    assert (pdu.called_ae_title, pdu.calling_ae_title) == ("CALLED", "CALLING")
    contexts = pdu.to_primitive().presentation_context_definition_list
    assert [(c.context_id, c.abstract_syntax, c.transfer_syntax) for c in contexts] == [
        (1, MR, [EXPLICIT]),
        (3, CT, [EXPLICIT]),
    ]


def accepted() -> bytes:
    """An answer that takes the first of two contexts and PDUs of 4096 bytes."""
    asked = A_ASSOCIATE_RQ()
    asked.decode(request(RECEIVER, [(MR, EXPLICIT), (CT, EXPLICIT)]))
    answer: Any = asked.to_primitive()
    results = answer.presentation_context_definition_list
    for number, context in enumerate(results):
        context.result = 3 * number
    answer.presentation_context_definition_results_list = results
    answer.result, answer.result_source = 0, 1
    answer.user_information[0].maximum_length_received = 4096
    return bytes(A_ASSOCIATE_AC(answer).encode())[6:]


def test_an_agreement_names_what_was_accepted() -> None:
    pairs = [(MR, EXPLICIT), (CT, EXPLICIT)]
    agreed = agreement(RECEIVER, pairs, ACCEPTED_PDU, accepted())
    assert agreed == Agreement({(MR, EXPLICIT): 1}, 4096)


def test_a_context_in_a_transfer_syntax_that_was_not_proposed_is_none() -> None:
    """The receiver would read the data set as something that it is not."""
    other = accepted().replace(EXPLICIT.encode(), b"1.2.840.10008.1.2.2")
    assert agreement(RECEIVER, [(MR, EXPLICIT)], ACCEPTED_PDU, other).contexts == {}


def test_a_transfer_syntax_may_be_padded() -> None:
    syntax = EXPLICIT.encode()
    padded = accepted().replace(b"\x40\0\0\x13" + syntax, b"\x40\0\0\x14" + syntax + b"\0")
    padded = padded.replace(b"\x21\0\0\x1b", b"\x21\0\0\x1c")
    assert agreement(RECEIVER, [(MR, EXPLICIT)], ACCEPTED_PDU, padded).contexts == {
        (MR, EXPLICIT): 1
    }


@given(st.integers(0, 200), st.binary(max_size=60))
def test_any_answer_is_an_agreement_or_an_error(cut: int, more: bytes) -> None:
    try:
        agreement(RECEIVER, [(MR, EXPLICIT)], ACCEPTED_PDU, accepted()[:cut] + more)
    except DicomStoreError as error:
        assert "broken" in error.message


def answered() -> bytes:
    values = {0x0100: 0x8001, 0x0120: 7, 0x0900: 0}
    body = b"".join(
        b"\0\0" + number.to_bytes(2, "little") + b"\2\0\0\0" + value.to_bytes(2, "little")
        for number, value in values.items()
    )
    return body + b"\0\0\x02\x09\x08\0\0\0no\nroom "


def test_an_answer_has_status_and_comment() -> None:
    assert answer_of(answered(), 7) == Answer(0, "no room")
    with pytest.raises(Unintelligible):
        answer_of(answered(), 8)


@given(st.binary(max_size=80))
def test_noise_is_no_answer(noise: bytes) -> None:
    with pytest.raises(Unintelligible):
        answer_of(noise, 7)
    with contextlib.suppress(Unintelligible):
        list(values_of(noise))


@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_noise_is_walked_to_an_end(noise: bytes, explicit: bool, little: bool) -> None:
    try:
        places = [e.start for e in elements(BytesIO(noise), 0, Encoding(explicit, little))]
    except Malformed:
        return
    assert places == sorted(set(places))
