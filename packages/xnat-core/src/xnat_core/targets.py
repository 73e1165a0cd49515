"""Which server a run speaks with, and as whom.

Command line > environment > profile > prompt; and credentials go to no server but the one that they
were given for.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from xnat_core.auth import AuthManager
from xnat_core.config import Config, Profile
from xnat_core.errors import ConfigurationError
from xnat_core.urls import same_server, server_url
from xnat_core.user_paths import expanded
from xnat_core.validation import LONGEST_TIMEOUT, validate_switch


@dataclass(frozen=True)
class Environment:
    """The XNAT_… variables; an empty one counts as not set. `timeout` is in seconds."""

    url: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    profile: str | None = None
    verify_ssl: bool | None = None
    timeout: int | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> Environment:
        """Read them. Raises ConfigurationError naming the variable, or InvalidURLError."""
        given = {
            key: value
            for key, value in (os.environ if variables is None else variables).items()
            if value
        }
        url, username, password = _login_of(given)
        return cls(
            url=server_url(url) if url else None,
            username=username,
            password=password,
            token=_token("XNAT_TOKEN", given),
            profile=given.get("XNAT_PROFILE"),
            verify_ssl=validate_switch(given.get("XNAT_VERIFY_SSL"), "XNAT_VERIFY_SSL"),
            timeout=_seconds("XNAT_TIMEOUT", given),
        )

    def is_for(self, url: str) -> bool:
        """Whether credentials of the environment were meant for that server."""
        return self.url is None or same_server(self.url, url)


@dataclass(frozen=True)
class Target:
    """The server of a run, its settings, and what to log in with.

    `profile` is the file's with the environment applied; `profile_name` is None when none in the
    file has this URL. `source` tells where the server was named: `command line`, `environment`,
    `profile` or `records`. `other_user` is the user of the command line where another one, or none,
    would be taken without it.
    """

    profile_name: str | None
    profile: Profile
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    source: str = "profile"
    other_user: str | None = None

    @property
    def url(self) -> str:
        """The base URL, in its normal form."""
        return self.profile.url

    @property
    def words(self) -> str:
        """The options by which another command gets the same server and user."""
        words = ["-p", self.profile_name] if self.profile_name else ["--url", self.url]
        if self.other_user:
            words += ["-u", self.other_user]
        return shlex.join(words)


def resolve(
    *,
    profile: str | None = None,
    url: str | None = None,
    username: str | None = None,
    password: str | None = None,
    server_of_records: str | None = None,
    config: Config | None = None,
    environment: Environment | None = None,
) -> Target:
    """Find the server and the login of this run from the words of its command line.

    `server_of_records` is what the first input record names; it decides when the command line does
    not. Raises ConfigurationError when there is no server or a setting is wrong.
    """
    config = Config.of_file() if config is None else config
    environment = Environment.read() if environment is None else environment
    if url:
        found = _named_by_url(config, environment, server_url(url), profile)
    elif profile:
        found = _named_by_profile(config, environment, profile)
    elif server_of_records:
        return target_for_server(
            server_of_records,
            username=username,
            password=password,
            config=config,
            environment=environment,
        )
    elif environment.url and environment.profile in (None, "default"):
        found = _of_environment(config, environment, environment.url)
    else:
        found = _named_by_profile(config, environment, environment.profile or _default(config))
    ours = environment.is_for(found.url)
    return _with_login(found, environment, username, password, ours=ours)


def target_for_server(
    url: str,
    *,
    username: str | None = None,
    password: str | None = None,
    config: Config | None = None,
    environment: Environment | None = None,
) -> Target:
    """Find the login for a server that only a record names.

    Whoever wrote the record chose this URL, so nothing secret goes there unless this user has named
    the server, too: in a profile, in XNAT_URL, or by a login that is still cached. Raises
    ConfigurationError saying what to add.
    """
    config = Config.of_file() if config is None else config
    environment = Environment.read() if environment is None else environment
    server = server_url(url)
    name = _profile_with_url(config, server, environment.profile)
    ours = environment.url is not None and environment.is_for(server)
    if ours or name is not None:
        found = Target(name, Profile(server) if name is None else config.profiles[name])
    elif AuthManager().has_valid_session(server):
        found = Target(None, Profile(server))
        username = password = None
    else:
        raise ConfigurationError(
            f"the records are of {server}, which no profile names: add it with "
            f"'xnat-auth profile add NAME --url {server}', or connect with --url"
        )
    found = replace(found, source="records")
    return _with_login(found, environment, username, password, ours=ours)


def _named_by_url(
    config: Config, environment: Environment, url: str, profile: str | None
) -> Target:
    if profile is not None:
        named = _named_by_profile(config, environment, profile)
        if same_server(named.url, url):
            return replace(named, source="command line")
        # The settings were asked for; the credentials belong to another server.
        settings = replace(named.profile, url=url, username=None, password=None)
        return Target(None, settings, source="command line")
    name = _profile_with_url(config, url, environment.profile)
    if name is not None:
        return Target(name, config.profiles[name], source="command line")
    if environment.url and same_server(environment.url, url):
        return replace(_of_environment(config, environment, url), source="command line")
    return Target(None, Profile(url), source="command line")


def _named_by_profile(config: Config, environment: Environment, name: str) -> Target:
    if name == "default" and environment.url:
        return _of_environment(config, environment, environment.url)
    return Target(name, config.get_profile(name))


def _of_environment(config: Config, environment: Environment, url: str) -> Target:
    """XNAT_URL is the profile `default` of this run; one with the same URL lends its settings."""
    name = _profile_with_url(config, url, environment.profile)
    profile = Profile(url) if name is None else config.profiles[name]
    return Target(name or "default", profile, source="environment")


def profile_of_environment(config: Config, environment: Environment) -> Profile | None:
    """XNAT_URL as a profile, with XNAT_TIMEOUT and XNAT_VERIFY_SSL; None where it is not set."""
    if environment.url is None:
        return None
    found = _of_environment(config, environment, environment.url)
    return _with_login(found, environment, None, None, ours=True).profile


def _default(config: Config) -> str:
    if not config.profiles:
        raise ConfigurationError(
            "no server is configured: run 'xnat-auth profile init --url URL', set XNAT_URL, "
            "or give --url"
        )
    return config.default_profile


def _profile_with_url(config: Config, url: str, preferred: str | None) -> str | None:
    """The profile of that server; among several the preferred, the default, or the first one."""
    names = [name for name, entry in config.profiles.items() if same_server(entry.url, url)]
    for wanted in (preferred, config.default_profile):
        if wanted in names:
            return wanted
    return names[0] if names else None


def _with_login(
    found: Target,
    environment: Environment,
    username: str | None,
    password: str | None,
    *,
    ours: bool,
) -> Target:
    """Add who logs in, and what the environment says of timeout and certificates.

    `ours`: credentials of the environment may go to this server. A password is only ever used for
    the user it was given with.
    """
    profile = found.profile
    unasked = (environment.username if ours else None) or profile.username
    user = username or unasked
    secrets = [password]
    if ours and environment.username in (None, user):
        secrets.append(environment.password)
    if profile.username in (None, user):
        secrets.append(profile.password)
    settings = replace(profile, timeout=environment.timeout or profile.timeout)
    if ours and environment.url and environment.verify_ssl is not None:
        settings = replace(settings, verify_ssl=environment.verify_ssl)
    return replace(
        found,
        profile=settings,
        username=user,
        password=next((secret for secret in secrets if secret is not None), None),
        token=environment.token if ours else None,
        other_user=user if user != unasked else None,
    )


def _login_of(given: Mapping[str, str]) -> tuple[str | None, str | None, str | None]:
    """Server, user and password; a token file stands for XNAT_USER and XNAT_PASS, which win.

    The server of the token is that of XNAT_URL where that is not set.
    """
    url, file = given.get("XNAT_URL"), given.get("XNAT_TOKEN_FILE")
    if file is None or "XNAT_USER" in given:
        return url, given.get("XNAT_USER"), given.get("XNAT_PASS")
    from xnat_core.token_files import AliasToken

    token = AliasToken.read(expanded(file))
    if url and not same_server(server_url(url), token.server):
        raise ConfigurationError(
            f"XNAT_TOKEN_FILE is for {token.server}, XNAT_URL is {url}", "XNAT_TOKEN_FILE", file
        )
    return token.server, token.alias, token.secret


def _token(name: str, given: Mapping[str, str]) -> str | None:
    """A session, which is not shown: what is wrong with it may be that it is something else."""
    text = given.get(name, "").strip()
    if text and not re.fullmatch(r"[!-:<-~]+", text):
        raise ConfigurationError(f"{name} must be one word, the JSESSIONID of a session", name)
    return text or None


def _seconds(name: str, given: Mapping[str, str]) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not text.strip().isdecimal() or not 1 <= int(text) <= LONGEST_TIMEOUT:
        raise ConfigurationError(
            f"{name} must be a whole number of seconds from 1 to {LONGEST_TIMEOUT}, not {text!r}",
            name,
            text,
        )
    return int(text)
