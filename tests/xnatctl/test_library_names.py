"""The documented names of the library are those of the packages behind them."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import xnatctl
from xnatctl.aliases import TOOLS
from xnatctl.needs import needs

FACADES = [
    module.name
    for module in pkgutil.walk_packages(xnatctl.__path__, "xnatctl.")
    if module.name.split(".")[1] in ("core", "models", "services")
]
DOCUMENTED = {
    "core.client": "XNATClient",
    "core.config": "Config Profile",
    "core.auth": "AuthManager CachedSession",
    "core.exceptions": "XNATCtlError ConfigurationError ProfileNotFoundError ValidationError"
    " InvalidURLError InvalidPortError InvalidIdentifierError PathValidationError ConnectionError"
    " NetworkError ServerUnreachableError TimeoutError RetryExhaustedError AuthenticationError"
    " SessionExpiredError PermissionDeniedError ResourceError ResourceNotFoundError"
    " ResourceExistsError OperationError UploadError DownloadError BatchOperationError DicomError"
    " DicomParseError DicomStoreError TransferError TransferConflictError"
    " TransferCircuitBreakerError TransferVerificationError TransferConfigError",
    "core.validation": "validate_server_url validate_url_or_none validate_port"
    " validate_xnat_identifier validate_project_id validate_subject_id validate_subject_label"
    " validate_session_id validate_session_label validate_scan_id validate_resource_label"
    " validate_ae_title validate_path_exists validate_path_writable validate_archive_path"
    " validate_dicom_directory validate_timeout validate_workers validate_regex_pattern"
    " validate_scan_ids_input validate_project_list",
    "core.output": "OutputFormat OutputFormatter print_table print_key_value print_json"
    " print_output print_error print_warning print_success print_info create_progress"
    " create_spinner",
    "core.logging": "setup_logging get_logger LogContext log_context AuditLogger get_audit_logger",
    "models": "Project Subject Session Scan Resource ResourceFile OperationPhase UploadProgress"
    " DownloadProgress UploadSummary DownloadSummary",
    "services.base": "BaseService",
    "services.projects": "ProjectService",
    "services.subjects": "SubjectService",
    "services.sessions": "SessionService",
    "services.scans": "ScanService",
    "services.resources": "ResourceService",
    "services.pipelines": "PipelineService",
    "services.prearchive": "PrearchiveService",
    "services.admin": "AdminService",
    "services.downloads": "DownloadService",
    "services.uploads": "UploadService DICOMStoreSummary archive_destination_params"
    " collect_dicom_files is_retryable_status split_into_batches split_into_n_batches"
    " upload_with_retry",
}


@pytest.mark.parametrize("module", DOCUMENTED)
def test_a_documented_module_has_its_names_and_no_others(module: str) -> None:
    facade = importlib.import_module(f"xnatctl.{module}")
    assert sorted(facade.__all__) == sorted(DOCUMENTED[module].split())


@pytest.mark.parametrize("facade", FACADES)
def test_a_documented_name_is_the_object_that_its_owner_defines(facade: str) -> None:
    module = importlib.import_module(facade)
    for name in getattr(module, "__all__", []):
        value = getattr(module, name)
        assert not value.__module__.startswith("xnatctl"), f"{facade}.{name} is defined here"
        assert getattr(sys.modules[value.__module__], value.__name__) is value


@pytest.mark.parametrize("facade", FACADES)
def test_a_documented_module_loads_only_what_it_names(facade: str) -> None:
    program = f"import sys, {facade}; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert shown.stderr == ""
    loaded = {name.partition(".")[0] for name in shown.stdout.split()}
    assert not loaded & {"pynetdicom", "rich"}
    tools = {name.replace("-", "_") for name in TOOLS}
    assert len(loaded & tools) <= 1


def test_a_missing_tool_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xnat_prearchive.service", None)
    monkeypatch.delitem(sys.modules, "xnatctl.services.prearchive", raising=False)
    with pytest.raises(ImportError, match=r"^xnat-prearchive is not installed: pip install xnat-"):
        importlib.import_module("xnatctl.services.prearchive")


def test_a_fault_inside_a_tool_is_not_taken_for_its_absence() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), needs("xnat-prearchive"):
        importlib.import_module("no_such_module")
