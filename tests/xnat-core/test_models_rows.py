"""The short way from a row to a record, and models that are imported when asked for."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_core import models
from xnat_core.models import Session, kinds
from xnat_core.models.row_records import RowRecords

TEXTS = st.one_of(
    st.sampled_from(["", " ", "\u2003", "0", "16.0", "true", "xnat:mrSessionData"]),
    st.sampled_from(["2024-01-02 10:00:00", "-1", "nan", "1e400", "false"]),
    st.text(max_size=8),
)
"""What a row of a client holds."""
KNOWN = st.text(min_size=1).filter(lambda text: not text.isspace())


def spellings(kind: str) -> list[str]:
    """What the keys of a row of this kind may be called."""
    fields = [field.name for field in dataclasses.fields(kinds()[kind])]
    return [*fields, *map(str.upper, fields), "ID", "URI", "xsiType", "Name", "Size", "no such"]


@pytest.mark.parametrize("kind", kinds())
@given(data=st.data())
def test_the_record_of_a_row_is_that_of_its_model(kind: str, data: st.DataObject) -> None:
    model = kinds()[kind]
    server = data.draw(st.sampled_from([None, "https://xnat.example.org"]))
    fields = sorted({"uri", "id", "modality"} & {field.name for field in dataclasses.fields(model)})
    told = data.draw(st.lists(st.sampled_from(fields), unique=True)) if fields else []
    records = RowRecords(model, server, told)
    rows = st.dictionaries(st.sampled_from(spellings(kind)), TEXTS, max_size=12)
    # One of them again, for the way from its columns to the record is known then.
    one, other = data.draw(rows), data.draw(rows)
    for row in (one, other, one):
        known = {name: data.draw(KNOWN) for name in told}
        expected = model.from_row(row, **known).to_record(server)
        assert list(records.record(row, known).items()) == list(expected.items())


def test_rows_with_ever_other_columns_take_no_more_memory() -> None:
    records = RowRecords(Session, None, [])
    rows = ({"ID": f"XNAT_E{number}", f"column{number}": "1"} for number in range(200))
    for number, row in enumerate(rows):
        assert records.record(row, {}) == {"kind": "session", "id": f"XNAT_E{number}"}
        assert len(records._layouts) <= 64


def test_what_is_known_must_be_a_field() -> None:
    with pytest.raises(TypeError, match="Session has no owner"):
        Session.from_row({"ID": "XNAT_E1"}, owner="me")
    with pytest.raises(TypeError, match="Session has no owner"):
        RowRecords(Session, None, ["owner"]).record({"ID": "XNAT_E1"}, {"owner": "me"})


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
