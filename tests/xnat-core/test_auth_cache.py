"""The cache of logins."""

from __future__ import annotations

import os
import stat
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest

from xnat_core.auth import AuthManager
from xnat_core.cached_session import CachedSession
from xnat_core.user_paths import session_file

A = "https://a.example.org"
B = "https://b.example.org"


def ago(**time: float) -> datetime:
    return datetime.now(timezone.utc) - timedelta(**time)


def test_a_saved_login_is_found_by_other_managers() -> None:
    saved = AuthManager().save_session("TOKEN", A, "alice")
    assert AuthManager().load_session(A) == saved
    assert AuthManager().get_session_token(A) == "TOKEN"
    assert AuthManager().has_valid_session()


def test_the_file_is_private_whatever_the_umask_says() -> None:
    before = os.umask(0)
    try:
        AuthManager().save_session("TOKEN", A, "alice")
    finally:
        os.umask(before)
    folder = session_file().parent
    modes = {
        file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.glob("*") if file.is_file()
    }
    assert modes == {".session": 0o600} | ({".session.lock": 0o600} if len(modes) > 1 else {})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_token_is_never_found_for_another_server() -> None:
    AuthManager().save_session("TOKEN", A, "alice")
    assert AuthManager().find(B, "alice") is None
    assert AuthManager().load_session(B) is None
    assert AuthManager().get_session_token(B) is None


def test_a_token_is_never_found_for_another_user() -> None:
    AuthManager().save_session("TOKEN", A, "alice")
    assert AuthManager().find(A, "bob") is None


def test_servers_are_compared_in_their_normal_form() -> None:
    AuthManager().save_session("TOKEN", "https://A.example.org:443/", "alice")
    assert AuthManager().find(A, "alice") is not None


def test_users_of_one_server_keep_their_logins_apart() -> None:
    cache = AuthManager()
    cache.save_session("T1", A, "alice")
    cache.save_session("T2", A, "bob")
    cache.save_session("T3", A, "alice")
    found = [cache.find(A, user) for user in ("alice", "bob")]
    assert [session.token for session in found if session] == ["T3", "T2"]


def test_without_a_user_only_an_unambiguous_login_is_found() -> None:
    cache = AuthManager()
    cache.save_session("T1", A, "alice")
    assert cache.find(A) is not None
    cache.save_session("T2", A, "bob")
    assert cache.find(A) is None


def test_a_profile_finds_the_login_that_was_made_with_it() -> None:
    cache = AuthManager()
    cache.save_session("T1", A, "alice", profile="plain")
    cache.save_session("T2", A, "root", profile="admin")
    found = [cache.find(A, profile=profile) for profile in ("plain", "admin")]
    assert [session.token for session in found if session] == ["T1", "T2"]


def test_a_profile_does_not_borrow_the_login_of_another() -> None:
    AuthManager().save_session("T2", A, "root", profile="admin")
    assert AuthManager().find(A, profile="plain") is None


def test_a_login_expires_after_its_minutes() -> None:
    AuthManager().save_session("TOKEN", A, "alice", expiry_minutes=-1)
    assert AuthManager().load_session(A) is None
    assert not AuthManager().has_valid_session(A)
    info = AuthManager().get_session_info(A)
    assert info is not None
    assert info["is_expired"] is True


def test_use_prolongs_a_login() -> None:
    cache = AuthManager()
    cache.save_session("TOKEN", A, "alice", expiry_minutes=1)
    cache.touch("TOKEN", 3600)
    found = cache.find(A, "alice")
    assert found is not None
    assert not found.is_expired(margin=3500)


def test_use_of_an_unknown_token_changes_nothing() -> None:
    cache = AuthManager()
    cache.save_session("TOKEN", A, "alice")
    before = session_file().read_bytes()
    cache.touch("OTHER", 3600)
    assert session_file().read_bytes() == before


def test_after_the_clock_was_set_back_a_login_counts_as_expired() -> None:
    expires = datetime.now(timezone.utc) + timedelta(hours=5)
    session = CachedSession("T", A, "alice", ago(hours=-4), expires, lifetime=900)
    assert session.is_expired()


def test_a_login_without_end_does_not_expire() -> None:
    assert not CachedSession("T", A, "alice", ago(days=300)).is_expired()


def test_times_without_a_zone_are_utc() -> None:
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    session = CachedSession("T", A, "alice", now, now + timedelta(minutes=5))
    assert not session.is_expired()


def test_a_session_survives_the_way_through_a_mapping() -> None:
    session = CachedSession("T", A, "alice", ago(minutes=1), ago(minutes=-14))
    assert CachedSession.from_dict(session.to_dict()) == session


def test_the_token_does_not_show_in_a_repr() -> None:
    assert "geheim" not in repr(CachedSession("geheim", A, "alice", ago()))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"sessions": 3}',
        b'{"sessions": [1, {}, {"token": 5}, {"token": ""}], "users": {}}',
        b'{"sessions": [], "users": 3}',
        b'{"sessions": [{"token": "T", "url": "u", "username": "a", "created_at": "yesterday"}]}',
        b"\xff\x00",
    ],
)
def test_an_unreadable_cache_is_no_session_and_can_be_written(content: bytes) -> None:
    session_file().parent.mkdir(parents=True)
    session_file().write_bytes(content)
    cache = AuthManager()
    assert cache.load_session() is None
    assert cache.get_session_info() is None
    assert cache.clear_session() is False
    cache.save_session("TOKEN", A, "alice")
    assert cache.kept("TOKEN")


def test_a_cache_that_is_a_directory_is_no_session() -> None:
    session_file().mkdir(parents=True)
    cache = AuthManager()
    assert cache.load_session() is None
    cache.save_session("TOKEN", A, "alice")
    assert not cache.kept("TOKEN")


def test_a_home_that_cannot_be_written_is_no_cache(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    cache = AuthManager(blocker / "below" / ".session")
    cache.save_session("TOKEN", A, "alice")
    assert not cache.kept("TOKEN")
    with cache.lock() as locked:
        assert not locked


def test_no_home_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    cache = AuthManager()
    cache.save_session("TOKEN", A, "alice")
    assert cache.load_session() is None
    assert cache.clear_session() is False


def test_all_logins_are_cleared_or_those_of_one_server() -> None:
    cache = AuthManager()
    cache.save_session("T1", A, "alice")
    cache.save_session("T2", B, "alice")
    assert cache.clear_session(A) is True
    assert cache.load_session(A) is None
    assert cache.load_session(B) is not None
    assert cache.clear_session() is True
    assert cache.clear_session() is False


def test_one_login_is_forgotten() -> None:
    cache = AuthManager()
    cache.save_session("T1", A, "alice")
    cache.save_session("T2", A, "bob")
    cache.forget("T1")
    assert cache.find(A, "alice") is None
    assert cache.find(A, "bob") is not None


def test_the_environment_is_above_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    AuthManager().save_session("CACHED", A, "alice")
    monkeypatch.setenv("XNAT_TOKEN", "GIVEN")
    assert AuthManager().get_session_token(A) == "GIVEN"


def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNAT_USER", "alice")
    assert AuthManager().get_credentials() == ("alice", None)
    monkeypatch.setenv("XNAT_PASS", "pw")
    assert AuthManager().get_credentials() == ("alice", "pw")


def test_the_newest_login_is_described() -> None:
    cache = AuthManager()
    cache.save_session("T1", A, "alice")
    cache.save_session("T2", B, "bob")
    info = cache.get_session_info()
    assert info is not None
    assert (info["url"], info["username"], info["is_expired"]) == (B, "bob", False)
    assert set(info) == {"url", "username", "created_at", "expires_at", "is_expired"}


def test_a_lock_that_nobody_lets_go_of_is_not_waited_for_twice() -> None:
    holder, waiting = AuthManager(), AuthManager()
    with holder.lock() as locked:
        assert locked
        got: list[bool] = []

        def wait() -> None:
            for _ in range(2):
                with waiting.lock(timeout=0.2) as mine:
                    got.append(mine)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(10)
    assert got == [False, False]


def test_writers_do_not_lose_each_others_logins() -> None:
    def save(number: int) -> None:
        AuthManager().save_session(f"T{number}", A, f"user{number}")

    threads = [threading.Thread(target=save, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(AuthManager().find(A, f"user{number}") for number in range(12))


def test_another_cache_file_can_be_used(tmp_path: Path) -> None:
    AuthManager(tmp_path / "s").save_session("T", A, "alice")
    assert AuthManager(str(tmp_path / "s")).kept("T")
    assert not AuthManager().kept("T")


def test_logins_long_unused_are_forgotten_at_the_next_write_and_no_others() -> None:
    for token, user in (("USED", "alice"), ("UNUSED", "bob")):
        AuthManager().save_session(token, A, user)
    content = orjson.loads(session_file().read_bytes())
    for entry in content["sessions"]:
        entry["created_at"] = ago(days=31).isoformat()
        if entry["token"] == "UNUSED":
            entry["expires_at"] = ago(days=31).isoformat()
    session_file().write_bytes(orjson.dumps(content))
    AuthManager().touch("USED", 900)
    left = orjson.loads(session_file().read_bytes())["sessions"]
    assert [entry["token"] for entry in left] == ["USED"]


def test_who_has_cleared_the_logins_of_a_server_is_not_remembered_there() -> None:
    cache = AuthManager()
    for url in (A, B):
        cache.save_session("T1", url, "alice", profile="prod")
    assert cache.clear_session(A)
    assert (cache.last_user(A, "prod"), cache.last_user(B, "prod")) == (None, "alice")
    assert cache.clear_session()
    assert cache.last_user(B, "prod") is None


def test_who_logged_in_last_is_forgotten_where_no_login_is_left() -> None:
    cache = AuthManager()
    cache.save_session("T1", A, "alice", profile="prod")
    cache.forget("T1")
    assert cache.clear_session(B) is False
    assert cache.last_user(A, "prod") == "alice"
    assert cache.clear_session(A) is False
    assert cache.last_user(A, "prod") is None


def test_a_refusal_is_that_of_one_password_of_one_user() -> None:
    AuthManager().note_refusal(A, "alice", "wrong")
    cache = AuthManager()
    assert cache.was_refused(A, "alice", "wrong")
    assert not cache.was_refused(A, "alice", "right")
    assert not cache.was_refused(A, "bob", "wrong")
    assert not cache.was_refused(B, "alice", "wrong")


def test_without_the_lock_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    AuthManager().save_session("T1", A, "alice", profile="prod")
    before = session_file().read_bytes()
    monkeypatch.setattr(AuthManager, "_take", lambda *_: False)
    cache = AuthManager()
    cache.save_session("T2", A, "bob")
    cache.touch("T1", 60)
    cache.note_refusal(A, "alice", "wrong")
    cache.forget("T1")
    cache.forget_user(A, "prod")
    assert not cache.clear_session(A)
    assert session_file().read_bytes() == before
