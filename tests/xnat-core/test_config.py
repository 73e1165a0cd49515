"""Profiles: read, checked, kept."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from xnat_core.config import Config, Profile
from xnat_core.errors import ConfigurationError, InvalidURLError, ProfileNotFoundError
from xnat_core.user_paths import cache_dir, config_file, state_dir


def write(text: str) -> Path:
    file = config_file()
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def test_no_file_is_an_empty_configuration() -> None:
    assert Config.load() == Config("default", "table", {})


def test_an_empty_file_is_an_empty_configuration() -> None:
    write("")
    assert Config.load() == Config()


def test_every_field_of_a_profile_is_read() -> None:
    write(
        """
        default_profile: prod
        output_format: json
        profiles:
          prod:
            url: https://xnat.example.org/
            verify_ssl: false
            timeout: 30
            default_project: P1
            username: alice
            password: secret
            workers: 8
            overwrite: delete
            direct_archive: true
            archive_mode: gradual
            extract: true
            ca_bundle: ~/ca.pem
        """
    )
    config = Config.load()
    assert (config.default_profile, config.output_format) == ("prod", "json")
    assert config.get_profile() == Profile(
        url="https://xnat.example.org",
        verify_ssl=False,
        timeout=30,
        default_project="P1",
        username="alice",
        password="secret",
        workers=8,
        overwrite="delete",
        direct_archive=True,
        archive_mode="gradual",
        extract=True,
        ca_bundle="~/ca.pem",
    )


def test_fields_have_the_documented_defaults() -> None:
    profile = Profile("https://x.org")
    assert (profile.verify_ssl, profile.timeout) == (True, 21600)
    assert profile.to_dict() == {"url": "https://x.org", "verify_ssl": True, "timeout": 21600}


def test_active_profile_is_another_name_for_the_default() -> None:
    write("active_profile: dev\nprofiles: {dev: {url: 'https://x.org'}}")
    assert Config.load().get_profile().url == "https://x.org"


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        ("[1, 2]", None, "mapping"),
        ("profiles: [a]", "profiles", "mapping"),
        ("profiles: {a: 1}", "profiles.a", "mapping"),
        ("profiles: {a: {}}", "profiles.a.url", "missing"),
        ("profiles: {a: {url: x.org}}", "profiles.a.url", "scheme"),
        ("profiles: {a: {url: 'https://x', verify_ssl: 'no'}}", "profiles.a.verify_ssl", "true"),
        ("profiles: {a: {url: 'https://x', timeout: 0}}", "profiles.a.timeout", "whole number"),
        ("profiles: {a: {url: 'https://x', timeout: abc}}", "profiles.a.timeout", "whole number"),
        ("profiles: {a: {url: 'https://x', workers: true}}", "profiles.a.workers", "whole number"),
        ("profiles: {a: {url: 'https://x', overwrite: yes}}", "profiles.a.overwrite", "one of"),
        ("profiles: {a: {url: 'https://x', archive_mode: 7z}}", "profiles.a.archive_mode", "tar"),
        ("profiles: {a: {url: 'https://x', username: 12}}", "profiles.a.username", "text"),
        ("default_profile: 3", "default_profile", "text"),
    ],
)
def test_a_wrong_field_is_named_with_the_file(text: str, field: str, reason: str) -> None:
    file = write(text)
    with pytest.raises(ConfigurationError) as caught:
        Config.load()
    message = caught.value.message
    assert message.startswith(f"{file}: ")
    assert (field or "") in message
    assert reason in message
    assert caught.value.field == field


def test_a_wrong_password_field_is_not_repeated() -> None:
    write("profiles: {a: {url: 'https://x', password: 8472}}")
    with pytest.raises(ConfigurationError) as caught:
        Config.load()
    assert "8472" not in f"{caught.value} {caught.value.value}"


def test_bad_yaml_names_the_file_and_the_line_and_quotes_nothing() -> None:
    file = write("profiles:\n  a:\n    password: [geheim\n")
    with pytest.raises(ConfigurationError) as caught:
        Config.load()
    assert f"{file}: not valid YAML, line" in caught.value.message
    assert "geheim" not in caught.value.message


def test_a_profile_that_is_there_twice_is_an_error_with_its_line() -> None:
    write("profiles:\n  a: {url: 'https://x'}\n  b: {url: 'https://y'}\n  a: {url: 'https://z'}\n")
    with pytest.raises(ConfigurationError, match="line 4, column 3: 'a' is there twice"):
        Config.load()


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("profiles: 2024-99-99", ", line 1, column 11: no timestamp is written like this"),
        ("profiles: !!bool maybe", ", line 1, column 11: no bool is written like this"),
        ("profiles: !!set [a]", ", line 1, column 11: expected a mapping node, but found sequence"),
        ("[" * 5000, ": nested too deeply"),
    ],
    ids=["date", "switch", "set", "depth"],
)
def test_what_the_parser_chokes_on_is_said_in_one_line(text: str, trouble: str) -> None:
    file = write(text)
    with pytest.raises(ConfigurationError) as caught:
        Config.load()
    assert caught.value.message == f"{file}: not valid YAML{trouble}"


def test_bytes_that_are_no_text_are_a_configuration_error() -> None:
    file = write("")
    file.write_bytes(b"a: \xff\xfe")
    with pytest.raises(ConfigurationError, match="not valid YAML: invalid start byte"):
        Config.load()


def test_unknown_profiles_are_an_error() -> None:
    with pytest.raises(ProfileNotFoundError, match="'dev' not found"):
        Config().get_profile("dev")
    with pytest.raises(ProfileNotFoundError):
        Config().set_default_profile("dev")


def test_profiles_are_added_and_removed() -> None:
    config = Config()
    profile = config.add_profile("dev", "https://X.org/", timeout=60, default_project="P")
    assert profile == Profile("https://x.org", timeout=60, default_project="P")
    assert config.has_profile("dev")
    assert config.remove_profile("dev")
    assert not config.remove_profile("dev")


def test_a_profile_with_a_bad_url_is_not_added() -> None:
    config = Config()
    with pytest.raises(InvalidURLError):
        config.add_profile("dev", "x.org")
    assert not config.profiles


def test_what_is_saved_is_read_again() -> None:
    config = Config(default_profile="dev")
    config.add_profile("dev", "https://x.org").workers = 3
    config.save()
    assert Config.load() == config


def test_unknown_keys_survive_a_save() -> None:
    write("version: 1\nprofiles: {a: {url: 'https://x', password_source: keyring}}")
    Config.load().save()
    again = Config.load()
    assert again.unknown == {"version": 1}
    assert again.profiles["a"].unknown == {"password_source": "keyring"}


def test_a_password_that_the_file_did_not_have_is_not_written() -> None:
    config = Config()
    config.add_profile("dev", "https://x.org").password = "geheim"
    config.save()
    assert "geheim" not in config_file().read_text()


def test_a_password_that_the_file_had_stays_as_it_was() -> None:
    write("profiles: {a: {url: 'https://x', password: old}}")
    config = Config.load()
    config.profiles["a"].password = "geheim"
    config.save()
    assert Config.load().profiles["a"].password == "old"


def test_a_password_can_be_taken_out() -> None:
    write("profiles: {a: {url: 'https://x', password: old}}")
    config = Config.load()
    config.profiles["a"].password = None
    config.save()
    assert "old" not in config_file().read_text()


TWO = """
default_profile: prod
profiles:
  prod: {url: 'https://prod.org', workers: 8}
  default: {url: 'https://dev.org'}
"""


def test_the_environment_is_above_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNAT_URL", "https://ci.org/")
    monkeypatch.setenv("XNAT_TIMEOUT", "12")
    monkeypatch.setenv("XNAT_VERIFY_SSL", "no")
    assert Config.load().get_profile() == Profile("https://ci.org", verify_ssl=False, timeout=12)
    write(TWO)
    config = Config.load()
    assert (config.default_profile, config.get_profile().url) == ("default", "https://ci.org")
    assert config.get_profile("prod").workers == 8
    monkeypatch.setenv("XNAT_URL", "https://prod.org")
    assert Config.load().get_profile().workers == 8
    monkeypatch.setenv("XNAT_PROFILE", "prod")
    assert Config.load().default_profile == "prod"


@pytest.mark.parametrize("text", ["", TWO])
def test_what_the_environment_says_is_not_saved(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(text)
    before = Config.load()
    monkeypatch.setenv("XNAT_URL", "https://ci.org")
    Config.load().save()
    monkeypatch.setenv("XNAT_PROFILE", "elsewhere")
    Config.load().save()
    monkeypatch.delenv("XNAT_URL")
    monkeypatch.delenv("XNAT_PROFILE")
    assert Config.load() == before


def test_what_is_changed_beside_the_environment_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    write(TWO)
    monkeypatch.setenv("XNAT_URL", "https://ci.org")
    config = Config.load()
    config.profiles["prod"].workers = 3
    config.add_profile("new", "https://new.org")
    config.set_default_profile("default")
    config.save()
    monkeypatch.delenv("XNAT_URL")
    config = Config.load()
    assert config.default_profile == "default"
    assert (config.get_profile().url, config.profiles["prod"].workers) == ("https://dev.org", 3)
    assert "new" in config.profiles


def test_a_file_that_cannot_be_understood_is_not_overwritten() -> None:
    file = write("profiles: [")
    with pytest.raises(ConfigurationError):
        Config().save()
    assert file.read_text() == "profiles: ["


def test_the_file_is_private_whatever_the_umask_says() -> None:
    before = os.umask(0)
    try:
        Config().save()
    finally:
        os.umask(before)
    assert stat.S_IMODE(config_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(config_file().parent.stat().st_mode) == 0o700


def test_a_linked_file_stays_a_link(tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "config.yaml"
    kept.parent.mkdir()
    kept.write_text("")
    config_file().parent.mkdir(parents=True)
    config_file().symlink_to(kept)
    Config(output_format="json").save()
    assert config_file().is_symlink()
    assert "json" in kept.read_text()


def test_nothing_is_left_behind_by_a_save() -> None:
    Config().save()
    assert [file.name for file in config_file().parent.iterdir()] == ["config.yaml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_a_configuration_error(tmp_path: Path) -> None:
    config_file().parent.mkdir(parents=True, mode=0o500)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        Config().save()


def test_a_place_that_is_a_file_is_a_configuration_error(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        Config().save(blocker / "config.yaml")
    assert Config.load(blocker / "config.yaml") == Config()


def test_files_are_where_xdg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "k"))
    assert config_file() == tmp_path / "c" / "xnatctl" / "config.yaml"
    assert state_dir() == tmp_path / "s" / "xnatctl"
    assert cache_dir() == tmp_path / "k" / "xnatctl"


def test_a_relative_xdg_directory_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_file() == tmp_path / ".config" / "xnatctl" / "config.yaml"


def test_without_a_home_there_is_no_file_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert Config.load() == Config()
    with pytest.raises(ConfigurationError, match="set HOME or XDG_CONFIG_HOME"):
        Config().save()


@pytest.mark.parametrize("module", ["config", "client", "connect", "auth", "urls", "run"])
def test_importing_is_cheap(module: str) -> None:
    code = (
        f"import sys, xnat_core.{module}; heavy = 'requests urllib3 yaml filelock orjson rich'; "
        "print(sorted({*heavy.split()} & {*sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
