"""The short way from a row to a record, and models that are imported when asked for."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_core import models
from xnat_core.models import Session, kinds

SCALARS = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "0", "16.0", "true", "xnat:mrSessionData", "2024-01-02 10:00:00"]),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.booleans(),
)


def spellings(kind: str) -> list[str]:
    """What the keys of a row of this kind may be called."""
    fields = [field.name for field in dataclasses.fields(kinds()[kind])]
    return [*fields, *map(str.upper, fields), "ID", "URI", "xsiType", "Name", "Size", "no such"]


@pytest.mark.parametrize("kind", kinds())
@given(data=st.data())
def test_the_record_of_a_row_is_that_of_its_model(kind: str, data: st.DataObject) -> None:
    row = data.draw(st.dictionaries(st.sampled_from(spellings(kind)), SCALARS, max_size=12))
    server = data.draw(st.sampled_from([None, "https://xnat.example.org"]))
    known: dict[str, Any] = {}
    if "uri" in spellings(kind):
        known = data.draw(st.fixed_dictionaries({}, optional={"uri": st.none() | st.text()}))
    model = kinds()[kind]
    expected = model.from_row(row, **known).to_record(server)
    found = model.record_of_row(row, server, **known)
    assert list(found.items()) == list(expected.items())


def test_what_is_known_must_be_a_field() -> None:
    for make in (Session.from_row, Session.record_of_row):
        with pytest.raises(TypeError, match="Session has no owner"):
            make({"ID": "XNAT_E1"}, owner="me")


def test_models_of_rows_are_as_good_as_others() -> None:
    read = Session.from_row({"ID": "XNAT_E1", "label": "MR1"}, project="P1")
    made = Session(id="XNAT_E1", label="MR1", project="P1")
    assert read == made
    assert repr(read) == repr(made)
    assert dataclasses.asdict(read) == dataclasses.asdict(made)
    assert dataclasses.replace(read, label="MR2").label == "MR2"
    assert read.fields is not Session.from_row({"ID": "XNAT_E1"}).fields
    with pytest.raises(dataclasses.FrozenInstanceError):
        read.label = "MR2"  # type: ignore[misc]


def test_every_public_name_is_found() -> None:
    assert {name: getattr(models, name) for name in models.__all__}
    assert set(models._HOMES) <= set(models.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Sesion'"):
        models.Sesion  # noqa: B018


def test_only_what_is_used_is_imported() -> None:
    script = (
        "import sys; from xnat_core.models import Session;"
        "print('xnat_core.models.transfer' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
