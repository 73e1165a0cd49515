"""What is saved can be read again: one wrong profile would keep every tool from the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xnat_core.config import Config, Profile
from xnat_core.errors import ConfigurationError

URL = "https://xnat.example.org"
WRONG: dict[str, Any] = {
    "a word for a switch": Profile(URL, verify_ssl="false"),  # type: ignore[arg-type]
    "a number as text": Profile(URL, workers="3"),  # type: ignore[arg-type]
    "a path for a text": Profile(URL, ca_bundle=Path("/ca.pem")),  # type: ignore[arg-type]
    "no scheme": Profile("xnat.example.org"),
    "a mapping": {"url": URL},
    "nothing": None,
}


@pytest.mark.parametrize("profile", WRONG.values(), ids=WRONG)
def test_what_could_not_be_read_again_is_not_written(profile: Any, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    config = Config()
    config.add_profile("good", URL)
    config.save(file)
    before = file.read_bytes()
    config.profiles["bad"] = profile
    with pytest.raises(ConfigurationError, match=r"^profiles\.bad"):
        config.save(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "given",
    [{"name": None}, {"name": ""}, {"name": 3}, {"verify_ssl": "no"}, {"default_project": 3}],
)
def test_a_profile_that_cannot_be_is_not_added(given: dict[str, Any]) -> None:
    config = Config()
    with pytest.raises(ConfigurationError):
        config.add_profile(**{"name": "a", "url": URL, **given})
    assert not config.profiles


@pytest.mark.parametrize("path", ["", 3, b"x"])
def test_what_is_no_path_is_no_configuration(path: Any) -> None:
    with pytest.raises(ConfigurationError):
        Config.load(path)
    with pytest.raises(ConfigurationError):
        Config().save(path)


@pytest.mark.parametrize("data", [None, "url", ["url"]])
def test_a_profile_is_read_from_a_mapping(data: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a mapping"):
        Profile.from_dict(data)
