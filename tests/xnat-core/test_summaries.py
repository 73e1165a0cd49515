"""What services return can be kept: pickled for another process, and written as JSON."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

from xnat_core.models import DownloadProgress, DownloadSummary, OperationPhase, UploadSummary
from xnat_core.models.transfer import DICOMStoreSummary

TOLD = [
    DownloadSummary(True, 3, 3, session_id="XNAT_E1", output_path=Path("data/MR1"), verified=True),
    UploadSummary(False, 3, 1, 2, errors=["why"], batches_total=2),
    DICOMStoreSummary(3, 2, 1, log_dir=Path("log"), success=False),
    DownloadProgress(OperationPhase.ERROR, 1, 2, "why", False, ("why",), bytes_received=1),
]


@pytest.mark.parametrize("told", TOLD, ids=lambda told: type(told).__name__)
def test_it_is_the_same_afterwards(told: DownloadSummary) -> None:
    assert pickle.loads(pickle.dumps(told)) == told == copy.deepcopy(told)
    written = json.loads(json.dumps(told.to_dict()))
    assert written["success"] is told.success
    assert set(written) == set(vars(told))


def test_paths_are_texts() -> None:
    assert TOLD[0].to_dict()["output_path"] == str(Path("data/MR1"))
    assert TOLD[3].to_dict()["phase"] == "error"
