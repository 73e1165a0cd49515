"""Which server a run speaks with, and as whom."""

from __future__ import annotations

from datetime import datetime

import pytest

from xnat_core.auth import AuthManager
from xnat_core.config import Config, Profile
from xnat_core.errors import ConfigurationError, InvalidURLError, ProfileNotFoundError
from xnat_core.targets import Environment, Target, resolve, target_for_server

PROD = "https://prod.example.org"
DEV = "https://dev.example.org"
CONFIG = Config(
    default_profile="prod",
    profiles={
        "prod": Profile(PROD, default_project="P", username="paul", password="prod-secret"),
        "dev": Profile(DEV, verify_ssl=False, timeout=60),
    },
)


def find(**words: str | None) -> Target:
    return resolve(config=CONFIG, environment=Environment.read(), **words)


def env(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_the_default_profile_of_the_file_is_used() -> None:
    target = find()
    assert (target.profile_name, target.url, target.source) == ("prod", PROD, "profile")
    assert (target.username, target.password) == ("paul", "prod-secret")


def test_xnat_profile_chooses_another(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_PROFILE="dev")
    assert find().profile_name == "dev"


def test_the_option_is_above_xnat_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_PROFILE="dev")
    assert find(profile="prod").profile_name == "prod"


def test_an_unknown_profile_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_PROFILE="nope")
    with pytest.raises(ProfileNotFoundError):
        find()


def test_without_any_server_the_remedies_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"profile init.*XNAT_URL.*--url"):
        resolve(config=Config(), environment=Environment())


def test_xnat_url_is_the_default_profile_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_URL="https://ci.example.org/", XNAT_USER="ci", XNAT_PASS="pw")
    target = find()
    assert (target.profile_name, target.url) == ("default", "https://ci.example.org")
    assert (target.username, target.password, target.source) == ("ci", "pw", "environment")
    assert target.profile.default_project is None


def test_xnat_url_needs_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_URL="https://ci.example.org")
    assert resolve().url == "https://ci.example.org"


def test_xnat_url_of_a_known_server_borrows_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_URL="https://PROD.example.org:443/", XNAT_USER="ci", XNAT_PASS="pw")
    target = find()
    assert target.profile.default_project == "P"
    assert (target.username, target.password) == ("ci", "pw")


def test_a_named_profile_is_above_xnat_url(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_URL="https://ci.example.org")
    assert find(profile="dev").url == DEV


def test_credentials_of_the_environment_go_only_to_its_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env(
        monkeypatch,
        XNAT_URL="https://ci.example.org",
        XNAT_USER="ci",
        XNAT_PASS="pw",
        XNAT_TOKEN="tok",
    )
    for target in (find(profile="dev"), find(url=DEV), find(url="https://third.example.org")):
        assert (target.username, target.password, target.token) == (None, None, None)


def test_credentials_without_xnat_url_go_to_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_USER="ci", XNAT_PASS="pw", XNAT_TOKEN="tok")
    target = find()
    assert (target.username, target.password, target.token) == ("ci", "pw", "tok")


def test_a_token_may_have_come_with_its_line_end(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_TOKEN="tok\r\n")
    assert find().token == "tok"


@pytest.mark.parametrize("token", ["a b", "a\nb", "a; b=c", "schlüssel"])
def test_what_is_no_token_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    env(monkeypatch, XNAT_TOKEN=token)
    with pytest.raises(ConfigurationError, match="XNAT_TOKEN must be one word") as caught:
        find()
    assert token not in str(caught.value)


def test_the_command_line_is_above_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_USER="ci", XNAT_PASS="pw")
    target = find(username="alice", password="hers")
    assert (target.username, target.password) == ("alice", "hers")


def test_a_password_is_not_used_for_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_USER="ci", XNAT_PASS="pw")
    target = find(username="alice")
    assert (target.username, target.password) == ("alice", None)


def test_xnat_pass_alone_is_for_the_user_of_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_PASS="pw")
    target = find()
    assert (target.username, target.password) == ("paul", "pw")


def test_empty_variables_are_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_URL="", XNAT_USER="", XNAT_PASS="", XNAT_TIMEOUT="", XNAT_VERIFY_SSL="")
    assert find() == resolve(config=CONFIG, environment=Environment())


def test_a_url_of_a_profile_lends_its_settings_and_credentials() -> None:
    target = find(url="https://prod.example.org/")
    assert (target.profile_name, target.source) == ("prod", "command line")
    assert (target.username, target.password) == ("paul", "prod-secret")
    assert target.profile.default_project == "P"


def test_a_url_of_no_profile_has_nothing_but_the_defaults() -> None:
    target = find(url="https://other.example.org")
    assert target.profile_name is None
    assert target.profile == Profile("https://other.example.org")
    assert (target.username, target.password) == (None, None)


def test_a_profile_lends_settings_to_another_url_but_no_credentials() -> None:
    target = find(url="https://other.example.org", profile="prod")
    assert target.url == "https://other.example.org"
    assert target.profile.default_project == "P"
    assert (target.username, target.password) == (None, None)


def test_a_bad_url_is_refused() -> None:
    with pytest.raises(InvalidURLError):
        find(url="other.example.org")


def test_xnat_timeout_applies_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_TIMEOUT="43200")
    assert find().profile.timeout == 43200
    assert find(profile="dev").profile.timeout == 43200


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "ten", "99999999999"])
def test_a_bad_xnat_timeout_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_TIMEOUT=text)
    with pytest.raises(ConfigurationError, match="XNAT_TIMEOUT"):
        find()


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), ("YES", True), ("false", False), ("0", False), ("No", False)],
)
def test_verification_is_switched_by_clear_words(
    text: str, value: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    env(monkeypatch, XNAT_URL="https://ci.example.org", XNAT_VERIFY_SSL=text)
    assert find().profile.verify_ssl is value


@pytest.mark.parametrize("text", ["off", "ture", "2", "disabled"])
def test_a_typo_does_not_turn_verification_off(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_URL="https://ci.example.org", XNAT_VERIFY_SSL=text)
    with pytest.raises(ConfigurationError, match="XNAT_VERIFY_SSL"):
        find()


def test_verification_of_other_servers_is_not_switched(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_VERIFY_SSL="false")
    assert find().profile.verify_ssl is True
    env(monkeypatch, XNAT_URL="https://ci.example.org")
    assert find(profile="prod").profile.verify_ssl is True


def test_the_environment_does_not_change_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_TIMEOUT="5", XNAT_USER="ci")
    find()
    assert CONFIG.profiles["prod"].timeout == 21600


def test_secrets_do_not_show_in_a_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    env(monkeypatch, XNAT_PASS="geheim", XNAT_TOKEN="geheim")
    target = find()
    assert "geheim" not in repr(target)
    assert "secret" not in repr(target)
    assert "geheim" not in repr(Environment.read())


# --- servers that only a record names -----------------------------------------------------------


def test_a_record_decides_when_the_command_line_does_not() -> None:
    target = find(server_of_records=DEV)
    assert (target.profile_name, target.source) == ("dev", "records")


@pytest.mark.parametrize("word", ["url", "profile"])
def test_the_command_line_is_above_the_records(word: str) -> None:
    named = {"url": PROD, "profile": "prod"}[word]
    assert find(**{word: named}, server_of_records=DEV).url == PROD


def test_a_server_of_a_record_gets_the_credentials_of_its_profile_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env(monkeypatch, XNAT_USER="ci", XNAT_PASS="pw", XNAT_TOKEN="tok")
    target = find(server_of_records=PROD)
    assert (target.username, target.password, target.token) == ("paul", "prod-secret", None)


def test_a_server_of_a_record_that_is_xnat_url_gets_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env(monkeypatch, XNAT_URL=DEV, XNAT_USER="ci", XNAT_PASS="pw", XNAT_TOKEN="tok")
    target = find(server_of_records=DEV + "/")
    assert (target.username, target.password, target.token) == ("ci", "pw", "tok")


def test_a_server_that_nobody_configured_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env(monkeypatch, XNAT_USER="ci", XNAT_PASS="pw")
    with pytest.raises(ConfigurationError, match=r"profile add NAME --url https://evil\.example"):
        find(server_of_records="https://evil.example", username="a", password="b")


def test_a_cached_login_is_a_way_into_a_server_of_records() -> None:
    AuthManager().save_session("TOKEN", "https://other.example", "alice")
    target = target_for_server("https://other.example", username="x", password="y", config=CONFIG)
    assert (target.profile_name, target.username, target.password) == (None, None, None)
    assert isinstance(AuthManager().find(target.url).created_at, datetime)  # type: ignore[union-attr]
