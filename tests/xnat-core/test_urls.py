"""How paths, queries and servers are written."""

from __future__ import annotations

import pytest

from xnat_core.errors import (
    AuthenticationError,
    InvalidIdentifierError,
    InvalidURLError,
    ValidationError,
)
from xnat_core.urls import (
    below,
    encode_query,
    hide_dots,
    is_plain,
    local_path,
    path,
    path_of_uri,
    request_target,
    same_server,
    server_url,
)


def test_each_part_of_a_path_is_encoded() -> None:
    assert path("data", "projects", "P 1", "a/b?c#d%e") == "/data/projects/P%201/a%2Fb%3Fc%23d%25e"


def test_letters_of_any_alphabet_travel_as_utf8() -> None:
    assert path("data", "Zoë") == "/data/Zo%C3%AB"


@pytest.mark.parametrize("part", ["", ".", "..", "a\nb", "a\x00", "\x7f"])
def test_a_part_that_would_address_something_else_is_refused(part: str) -> None:
    with pytest.raises(InvalidIdentifierError):
        path("data", "experiments", part, "scans")


def test_a_path_without_parts_is_refused() -> None:
    with pytest.raises(InvalidIdentifierError):
        path()


def test_dots_can_be_hidden_from_the_server() -> None:
    assert path("data", "prearchive", hide_dots("S.1 x")) == "/data/prearchive/S%2E1%20x"


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_hiding_dots_is_no_way_around_the_rules(part: str) -> None:
    with pytest.raises(InvalidIdentifierError):
        hide_dots(part)


def test_a_uri_of_a_listing_is_encoded() -> None:
    uri = "/data/experiments/E1/resources/201/files/a b/ü.dcm"
    assert path_of_uri(uri) == "/data/experiments/E1/resources/201/files/a%20b/%C3%BC.dcm"


def test_a_uri_may_be_a_whole_url() -> None:
    assert path_of_uri("https://x.org/data/files/a?b#c") == "/data/files/a%3Fb%23c"


@pytest.mark.parametrize(
    ("written", "local"),
    [
        ("/data/experiments/E1/files/data/experiments/x", None),
        ("/xnat/data/experiments/E1", "/data/experiments/E1"),
        ("https://x.org/data/experiments/E1?b#c", "/data/experiments/E1?b#c"),
        ("http://x.org/a/b/REST/subjects/S1", "/data/subjects/S1"),
        (
            "/archive/projects/P1/resources/1/files/a",
            "/data/archive/projects/P1/resources/1/files/a",
        ),
        ("/experiments/E1/scans/1", "/data/experiments/E1/scans/1"),
        ("/xnat/xapi/direct-archive/P1/1.2/E1", "/xapi/direct-archive/P1/1.2/E1"),
        ("see /data/experiments/E1", None),
        ("/app/template/Login.vm", None),
        ("", None),
    ],
)
def test_an_address_of_the_server_is_local_from_data_on(written: str, local: str | None) -> None:
    assert local_path(written) == (local or written)


def test_a_uri_with_a_dot_part_is_refused() -> None:
    with pytest.raises(InvalidIdentifierError):
        path_of_uri("/data/experiments/E1/../E2")


def test_a_typed_path_keeps_its_escapes_and_query() -> None:
    target = request_target("data/x y/a%2Eb?columns=xnat:a/b", {"format": "json"})
    assert target == "/data/x%20y/a%2Eb?columns=xnat:a/b&format=json"


@pytest.mark.parametrize("typed", ["/data//x", "/data/../x", "/data/%2e%2E/x", "/data/./x", "/"])
def test_a_typed_path_with_an_empty_or_dot_part_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        request_target(typed)


def test_a_fragment_is_part_of_the_name() -> None:
    assert request_target("/data/a#b") == "/data/a%23b"


def test_keys_of_a_query_keep_colons_and_slashes_but_not_brackets() -> None:
    query = encode_query({"xnat:mrScanData/parameters/addParam[name=x]/addField": "1"})
    assert query == "xnat:mrScanData/parameters/addParam%5Bname%3Dx%5D/addField=1"


def test_values_of_a_query_are_encoded() -> None:
    assert encode_query({"a": "1&b=2 +%#ü"}) == "a=1%26b%3D2%20%2B%25%23%C3%BC"


def test_none_drops_a_key_and_a_list_repeats_it() -> None:
    assert encode_query({"a": None, "b": [1, "2"], "c": True, "d": False}) == (
        "b=1&b=2&c=true&d=false"
    )


def test_pairs_may_repeat_a_key() -> None:
    assert encode_query([("a", 1), ("a", 2)]) == "a=1&a=2"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("HTTPS://Example.ORG/", "https://example.org"),
        ("https://example.org:443/xnat//", "https://example.org/xnat"),
        ("http://example.org:80", "http://example.org"),
        ("http://example.org:8080/", "http://example.org:8080"),
        (" http://[::1]:8080/ ", "http://[::1]:8080"),
        ("https://example.org./XNAT", "https://example.org/XNAT"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
    ],
)
def test_a_server_has_one_normal_form(written: str, normal: str) -> None:
    assert server_url(written) == normal


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "cannot be empty"),
        ("example.org", "must include scheme"),
        ("ftp://example.org", "Unsupported scheme"),
        ("https://", "must include hostname"),
        ("https://example.org/?a=b", "query"),
        ("https://example.org:99999", "ort"),
        ("https://exa mple.org", "spaces"),
    ],
)
def test_what_is_no_server_is_refused(written: str, reason: str) -> None:
    with pytest.raises(InvalidURLError, match=reason):
        server_url(written)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidURLError) as caught:
        server_url("https://alice:geheim@example.org")
    assert "geheim" not in str(caught.value)


def test_servers_are_compared_in_their_normal_form() -> None:
    assert same_server("https://X.org:443/", "https://x.org")
    assert not same_server("https://x.org", "http://x.org")
    assert not same_server("https://x.org/a", "https://x.org/b")
    assert not same_server("https://x.org", "nonsense")


@pytest.mark.parametrize("name", ["a.dcm", "sub-1/anat/T1_w.nii.gz", ".bidsignore"])
def test_a_plain_name_can_be_asked_for_by_its_path(name: str) -> None:
    assert is_plain(name)


@pytest.mark.parametrize("name", ["a b", "ä", "a%20b", "a+b", "../a", "a/./b", "/a", "a//b", ""])
def test_other_names_cannot_be_relied_on(name: str) -> None:
    assert not is_plain(name)


@pytest.mark.parametrize(
    ("base", "url", "found"),
    [
        ("https://h", "https://h/data/x?a=1", "/data/x?a=1"),
        ("https://h/xnat", "https://H:443/xnat/data/x", "/data/x"),
        ("https://h/a/b", "https://h/a/b/data/x", "/data/x"),
        ("https://h/xnat", "/data/x", "/data/x"),
    ],
)
def test_a_url_below_a_server_is_a_path(base: str, url: str, found: str) -> None:
    assert below(base, url) == found


@pytest.mark.parametrize("other", ["https://g/xnat", "https://h", "https://h/xnat2"])
def test_a_url_of_another_server_is_no_path(other: str) -> None:
    with pytest.raises(AuthenticationError, match=f" {other}.* is another server"):
        below("https://h/xnat", f"{other}/data/x")
