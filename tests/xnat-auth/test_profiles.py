"""Profiles on the command line."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import pytest
import yaml

from xnat_auth.cli import main
from xnat_core.user_paths import config_file

URL = "https://xnat.example.org"


@pytest.fixture(autouse=True)
def first_profile(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "init", "--url", URL + "/", "--project", "NEURO"]) == 0
    capfd.readouterr()


def names() -> dict[str, object]:
    document = yaml.safe_load(config_file().read_text())
    return dict(document["profiles"])


def test_the_first_profile_is_the_default_and_the_file_is_private(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["profile", "current", "-q"]) == 0
    assert capfd.readouterr().out == "default\n"
    assert stat.S_IMODE(config_file().stat().st_mode) == 0o600
    assert names()["default"] == {
        "url": URL,
        "verify_ssl": True,
        "timeout": 21600,
        "default_project": "NEURO",
    }


def test_the_profile_in_use_is_the_one_that_the_environment_names(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["profile", "add", "dev", "--url", "https://dev.example.org"]) == 0
    assert main(["profile", "use", "dev"]) == 0
    monkeypatch.setenv("XNAT_URL", "https://ci.example.org")
    capfd.readouterr()
    assert main(["profile", "current", "-o", "json"]) == 0
    assert '"url": "https://ci.example.org"' in capfd.readouterr().out
    monkeypatch.setenv("XNAT_PROFILE", "dev")
    assert main(["profile", "current", "-q"]) == 0
    assert capfd.readouterr().out == "dev\n"
    assert main(["profile", "add", "new", "--url", URL]) == 0
    assert "ci.example.org" not in config_file().read_text()


def test_a_profile_is_replaced_only_with_force(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "init", "--url", "https://other.example.org"]) == 1
    assert "--force replaces it" in capfd.readouterr().err
    assert main(["profile", "init", "--url", "https://other.example.org", "--force"]) == 0
    assert names()["default"]["url"] == "https://other.example.org"  # type: ignore[index]


def test_profiles_that_are_added_at_once_are_all_kept() -> None:
    program = "import sys; from xnat_auth.cli import main; sys.exit(main())"
    added = [f"at-once-{number}" for number in range(6)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, "profile", "add", name, "--url", URL],
            stdout=subprocess.DEVNULL,
        )
        for name in added
    ]
    assert [process.wait(60) for process in running] == [0] * len(added)
    assert set(added) <= set(names())


def test_add_use_and_remove(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "add", "dev", "--url", URL, "--timeout=60", "--no-verify-ssl"]) == 0
    assert main(["profile", "use", "dev"]) == 0
    assert main(["profile", "remove", "dev", "--yes"]) == 1
    assert main(["profile", "remove", "default", "--yes"]) == 0
    assert list(names()) == ["dev"]
    assert "is the default" in capfd.readouterr().err


def test_a_dry_run_removes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    main(["profile", "add", "dev", "--url", URL])
    capfd.readouterr()
    assert main(["profile", "remove", "dev", "--dry-run"]) == 0
    assert json.loads(capfd.readouterr().out)["outcome"] == "planned"
    assert "dev" in names()


def test_an_unknown_profile_lists_the_known_ones(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "use", "nope"]) == 1
    assert "profile 'nope' not found; there are: default" in capfd.readouterr().err


@pytest.mark.parametrize(
    "url", ["example.org", "ftp://example.org", "http://", "https://user:secret@example.org"]
)
def test_a_wrong_url_is_refused_and_no_secret_shown(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "add", "dev", "--url", url]) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "secret" not in err


@pytest.mark.parametrize("timeout", ["soon", "0", "-5", "2592001"])
def test_a_timeout_that_is_none_is_wrong_usage(
    timeout: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "add", "dev", "--url", URL, f"--timeout={timeout}"]) == 2
    assert capfd.readouterr().err.startswith(f"xnat-auth: --timeout {timeout}: ")


def test_show_tells_everything_but_passwords(capfd: pytest.CaptureFixture[str]) -> None:
    document = yaml.safe_load(config_file().read_text())
    document["profiles"]["default"]["password"] = "very-secret"
    config_file().write_text(yaml.safe_dump(document))
    for form in ("json", "table", "ndjson"):
        assert main(["profile", "show", "-o", form]) == 0
    out, err = capfd.readouterr()
    assert URL in out
    assert "very-secret" not in out + err


def test_a_broken_file_is_named_with_the_field(capfd: pytest.CaptureFixture[str]) -> None:
    config_file().write_text("profiles: {default: {url: 'https://x', workers: many}}")
    assert main(["profile", "show"]) == 1
    err = capfd.readouterr().err
    assert str(config_file()) in err
    assert "profiles.default.workers" in err
