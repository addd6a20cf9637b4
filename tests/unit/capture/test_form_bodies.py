"""Bodies of form posts, bytes to fields: whatever a browser, a library or a script sends, in whatever character set."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.capture.domain import form
from services.capture.domain.form import Fields, Files, TooMany, bodies
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import Refused, Submission
from tests.unit.capture.test_form import ARRIVAL

MULTIPART = b'multipart/form-data; boundary="b"'


def part(name: str, value: str, more: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'.encode()


def test_urlencoded_fields_nest_by_brackets_and_repeat_as_lists_and_empty_ones_are_none() -> None:
    body = b"e-mail=jo%40acme.example&topic[]=a&topic[]=b&consent[mail]=on&a=1&a=2&x%5By%5D=3%3D4%265&n=&m&u.v=6"
    assert form.of_urlencoded(body) == {
        "e-mail": "jo@acme.example",
        "topic": ["a", "b"],
        "consent": {"mail": "on"},
        "a": ["1", "2"],
        "x": {"y": "3=4&5"},
        "u.v": "6",
    }


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"x[y][z]=3&x=4", {"x": {"y": {"z": "3"}, "": "4"}}),
        (b"x=4&x[y]=3&x[y]=5", {"x": "4", "x[y]": ["3", "5"]}),
        (b"x[]=4&x[y]=3", {"x": ["4"], "x[y]": "3"}),
        (b"x[y]=3&x[]=4", {"x": {"y": "3", "": ["4"]}}),
    ],
)
def test_where_names_contradict_each_other_nothing_is_lost(body: bytes, fields: Fields) -> None:
    assert form.of_urlencoded(body) == fields


@pytest.mark.parametrize("body", [b"a=100%&b=50%25", b"a=100%&b=50%25\n"])
def test_escapes_that_are_none_stay_as_they_are(body: bytes) -> None:
    assert form.of_urlencoded(body)["a"] == "100%"
    assert form.of_urlencoded(body)["b"].strip() == "50%"


@pytest.mark.parametrize(
    ("body", "content_type", "name"),
    [
        (b"name=J%C3%B6&x=1", b"application/x-www-form-urlencoded", "Jö"),
        (b"name=J\xc3\xb6", b"application/x-www-form-urlencoded; charset=utf-8", "Jö"),
        (b"name=J%F6", b"application/x-www-form-urlencoded; charset=ISO-8859-1", "Jö"),
        (b"name=Ji%F8%ED", b'application/x-www-form-urlencoded;charset="windows-1250"', "Jiří"),
        (b"name=%B3ukasz&_charset_=iso-8859-2", b"application/x-www-form-urlencoded", "łukasz"),
        (b"_charset_=UTF-8&name=J%C3%B6", b"application/x-www-form-urlencoded", "Jö"),
        (b"name=J%F6", b"application/x-www-form-urlencoded", "Jö"),  # no UTF-8, and nobody says what: windows-1252
        (
            b"name=J%F6",
            b"application/x-www-form-urlencoded; charset=rot13",
            "Jö",
        ),  # a codec of Python's, none of the web's
        (b"name=%93J%94", b"application/x-www-form-urlencoded; charset=latin1", "“J”"),
        (b"name=%00J%00&nul=%00", b"application/x-www-form-urlencoded", "J"),
        (b"name=%1EJ", b"application/x-www-form-urlencoded", "\x1eJ"),
    ],
)
def test_text_is_read_in_the_character_set_that_the_form_was_written_in(
    body: bytes, content_type: bytes, name: str
) -> None:
    fields = form.of_urlencoded(body, content_type)
    assert fields.pop("name") == name
    assert fields in ({}, {"x": "1"})


def test_multipart_fields_are_read_and_files_refused() -> None:
    body = part("email", "jo@acme.example") + part("name", "Jö") + part("a[b]", "1\r\n2") + part("none", "")
    for more in (b"", part("cv", "", '; filename=""')):  # a browser's way, and one that only the library reads
        read = form.of_multipart(body + more + b"--b--\r\n", MULTIPART)
        assert read == {"email": "jo@acme.example", "name": "Jö", "a": {"b": "1\r\n2"}}
    with pytest.raises(Files):
        form.of_multipart(part("cv", "x", '; filename="cv.pdf"') + b"--b--\r\n", MULTIPART)


def test_multipart_fields_may_say_their_character_set() -> None:
    body = part("_charset_", "iso-8859-1") + part("name", "J") + b"--b--\r\n"
    assert form.of_multipart(body.replace(b"J", b"J\xf6"), MULTIPART) == {"name": "Jö"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(part("email", "x"), b"multipart/form-data"), (b"nonsense", MULTIPART), (part("email", "x"), MULTIPART)],
)
def test_a_multipart_body_that_is_broken_or_cut_off_is_told(body: bytes, content_type: bytes) -> None:
    with pytest.raises(Broken):
        form.of_multipart(body, content_type)


@pytest.mark.parametrize("more", ["", "\r\nContent-Type: text/plain"])
def test_more_than_500_fields_are_no_form(more: str) -> None:
    assert len(form.of_urlencoded(b"&".join(b"f%d=1" % number for number in range(500)))) == 500
    with pytest.raises(TooMany):
        form.of_urlencoded(b"&".join(b"f%d=1" % number for number in range(501)))
    parts = [part(f"f{number}", "1", more) for number in range(501)]
    form.of_multipart(b"".join(parts[:500]) + b"--b--\r\n", MULTIPART)
    with pytest.raises(TooMany):
        form.of_multipart(b"".join(parts) + b"--b--\r\n", MULTIPART)


# -- for all bytes -----------------------------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [b"a", b"b", b"=", b"&", b"%", b"+", b"%3d", b"%26", b"%C3%B6", b"%f6", b"\xf6", b"%0", b"%1e", b"%00", b"[", b"]", b"[]", b"\n", b"\r", b"\x1f", b"="]
)  # fmt: skip
_URLENCODED = st.lists(_PIECES, max_size=24).map(b"".join)


@given(_URLENCODED | st.binary(max_size=60))
def test_the_fast_way_reads_what_the_slow_one_reads(body: bytes) -> None:
    assert form.of_urlencoded(body) == form.nested(bodies._pairs(body, None))


@given(st.lists(st.tuples(st.text("abö =&%+", min_size=1), st.text(min_size=1).filter(lambda text: "\0" not in text)), unique_by=lambda pair: pair[0]))  # fmt: skip
def test_what_a_library_encodes_is_read_as_it_was(pairs: list[tuple[str, str]]) -> None:
    assert form.of_urlencoded(urlencode(pairs).encode()) == dict(pairs)


@given(st.lists(st.tuples(st.text("ab", min_size=1), st.binary(max_size=12)), min_size=1), st.binary(max_size=8))
def test_the_fast_way_reads_the_parts_that_the_library_reads(pairs: list[tuple[str, bytes]], end: bytes) -> None:
    body = b"".join(part(name, "").replace(b"\r\n\r\n\r\n", b"\r\n\r\n" + value + b"\r\n") for name, value in pairs)
    body += b"--b--" + end
    fast = bodies._ordinary_parts(body, b"b")
    if fast is not None:
        assert fast == bodies._parts(body, b"b")


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["json", "urlencoded", "multipart"]), st.binary(max_size=20))
def test_any_bytes_are_fields_a_refusal_or_broken(body: bytes, kind: str, charset: bytes) -> None:
    try:
        if kind == "json":
            fields: Fields | Refused = form.of_json(body)
        elif kind == "urlencoded":
            fields = form.of_urlencoded(body, b"application/x-www-form-urlencoded; charset=" + charset)
        else:
            fields = form.of_multipart(b"--b\r\n" + body + b"\r\n--b--\r\n", MULTIPART + charset)
    except (Broken, Files):
        form.unread_without_secrets(body)
        return
    if isinstance(fields, dict):
        assert isinstance(form.submission("demo", fields, ARRIVAL), Submission | Refused)
        form.without_secrets(fields)


_NAMES = st.sampled_from(["a", "a[]", "a[b]", "a[b][]", "a[b][c]", "[", "]", "a]", "[]", "b[", "consent", "consent_x"])


@given(st.lists(st.tuples(_NAMES, st.integers())))
def test_no_value_is_lost_whatever_brackets_the_names_have(pairs: list[tuple[str, int]]) -> None:
    def values(found: object) -> list[object]:
        if isinstance(found, dict):
            return [one for inner in found.values() for one in values(inner)]
        return [one for inner in found for one in values(inner)] if isinstance(found, list) else [found]

    fields = form.nested([(name, str(number)) for name, number in pairs])
    assert sorted(map(str, values(fields))) == sorted(str(number) for _, number in pairs)
    assert isinstance(form.submission("demo", fields, ARRIVAL), Submission | Refused)
