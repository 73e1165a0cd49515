"""Damaged input ends in a record, a refusal of ours, or well; never in anything else."""

from __future__ import annotations

import random

import pytest

from support.fuzzing import TARGETS, damaged, harmless, samples
from support.scripted import answer, scripted
from xnat_core.client import XNATClient
from xnat_core.errors import XNATCtlError

DAMAGES = 1500


@pytest.mark.parametrize("name", TARGETS)
def test_samples_are_read(name: str) -> None:
    for sample in samples(name)[:2]:
        TARGETS[name](sample)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_raises_nothing_but_errors_of_ours(name: str) -> None:
    chance = random.Random(name)
    found = samples(name)
    # A configuration is a file on disk: fewer of these.
    for _ in range(DAMAGES // (5 if name == "configuration" else 1)):
        data = damaged(chance.choice(found), chance)
        try:
            harmless(TARGETS[name], data)
        except Exception as error:
            pytest.fail(f"{type(error).__name__}: {error}\n{data!r}")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("document", b'{"items":[{"data_fields":{},"meta":[1],"children":[]}]}'),
        ("document", b'{"items":[{"data_fields":{},"meta":{},"children":{"a":1}}]}'),
        (
            "document",
            b'{"items":[{"data_fields":{},"children":[{"field":"fields/field","items":'
            b'[[], {"data_fields":[1]}, {"data_fields":{"name":{"a":1}}}]}]}]}',
        ),
        ("import_answer", b"http://[/data/prearchive/projects/P1/1/E1"),
        ("redirect", b"http://[x"),
        ("redirect", b"http://server:port/"),
    ],
)
def test_what_fuzzing_has_found(name: str, data: bytes) -> None:
    harmless(TARGETS[name], data)


@pytest.mark.parametrize("location", [{}, {"Location": "http://[x"}, {"Location": "http://a:b/"}])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_a_redirect_that_leads_nowhere_is_no_success(method: str, location: dict[str, str]) -> None:
    with (
        scripted(answer(b"", 302, **location)) as server,
        XNATClient(server.url) as client,
        pytest.raises(XNATCtlError),
    ):
        client.request(method, "/data/projects/P1")
