"""xnat-transfer: subjects that another project shares with the destination."""

from __future__ import annotations

import pytest

from support.transfers import Transfer, everything


@pytest.mark.parametrize("later", [True, False])
def test_resources_are_not_put_into_the_subject_of_another_project(
    transfer: Transfer, later: bool
) -> None:
    subject = transfer.source.has_subject("A", "S1")
    dest, settings = transfer.dest, {"transfer_xml_metadata": later}
    dest.has_project("X")
    if later:
        assert transfer().status == 0
        moved = "/data/projects/B/subjects/S1/projects/X?primary=true"
    else:
        dest.has_subject("X", "S1")
        moved = "/data/projects/X/subjects/S1/projects/B"
    assert dest.call("PUT", moved).status_code == 200
    dest.store.accounts.join("keeper", "X_owner")
    transfer.source.has_resource(subject, "PLAN", {"plan.txt": b"plan"})
    ran = transfer("--config", transfer.config(**settings))
    assert ran.status == 1
    assert "it belongs to project X, which shares it" in ran.err
    assert not everything(dest, "X")
