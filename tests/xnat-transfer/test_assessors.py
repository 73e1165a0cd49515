"""xnat-transfer: assessors, which share their labels with all experiments of a project."""

from __future__ import annotations

import pytest

from support.sandbox import XNAT
from support.transfers import Transfer, everything
from xnat_sandbox.model import Experiment

QC = "xnat:qcManualAssessorData"


def assess(xnat: XNAT, session: Experiment, label: str) -> Experiment:
    """An assessor with a report."""
    with xnat.store.database.transaction():
        made = xnat.store.items.create_experiment(session.project, label, QC, session_id=session.id)
    xnat.has_resource(made, "REPORT", {"report.html": session.label.encode()})
    return made


@pytest.mark.parametrize("wanted", [True, False])
def test_what_an_assessor_says_of_itself_comes_where_metadata_are_wanted(
    transfer: Transfer, wanted: bool
) -> None:
    made = assess(transfer.source, transfer.has_session("S1", "S1_MR1", "MR"), "QC")
    items = transfer.source.store.items
    items.update_experiment(made.id, fields={"note": "of the source"}, user="admin")
    ran = transfer("--config", transfer.config(transfer_xml_metadata=wanted))
    assert ran.status == 0, ran.err
    there = transfer.dest.store.items.experiment_in("B", "QC")
    assert there is not None
    assert there.fields.get("note") == ("of the source" if wanted else None)


@pytest.mark.parametrize("taken", ["QC", "THEIRS"])
def test_a_label_that_another_experiment_has_there_is_not_written_to(
    transfer: Transfer, taken: str
) -> None:
    """Servers may take what has the label for what is described, whatever session it is of."""
    assess(transfer.source, transfer.has_session("S1", "S1_MR1", "MR"), taken)
    assess(transfer.dest, transfer.dest.has_session("B", "SUB", "THEIRS"), "QC")
    theirs = everything(transfer.dest, "B")
    ran = transfer()
    assert ran.status == 1
    assert "it is no assessor of S1_MR1" in ran.err
    assert not [one for one in transfer.dest.requests("PUT") if "/assessors/" in one.path]
    assert theirs.items() < everything(transfer.dest, "B").items()
