# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test which contents are equal, and which are rejected before any call."""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import json
import string
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.documents import (
    content,
    content_lines,
    content_reader,
)
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from hypothesis import given
from hypothesis import strategies as st

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
mappings = st.dictionaries(st.text(max_size=10).filter(lambda key: key != "schemaVersion"), values, max_size=5)


def shuffled(value: Any) -> Any:
    """Return the value with the keys of every mapping in reverse order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [shuffled(entry) for entry in value]
    return value


@given(mappings, st.sampled_from([None, 1, 4]))
def test_white_space_and_key_order_are_no_difference(value: dict[str, Any], indent: int | None) -> None:
    stored = json.dumps(shuffled(value), indent=indent)
    assert content.wanted_content(value, None).means_the_same(stored, "JSON")
    assert content.wanted_content(json.dumps(value), None).means_the_same(stored, "JSON")


@given(mappings)
def test_what_a_mapping_is_sent_as_means_that_mapping(value: dict[str, Any]) -> None:
    text, document_format = content.wanted_content(value, None).encode(None)
    assert document_format == "JSON"
    assert json.loads(text) == value


@given(mappings, mappings)
def test_a_difference_in_meaning_is_one(left: dict[str, Any], right: dict[str, Any]) -> None:
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert content.wanted_content(left, None).means_the_same(json.dumps(right), "JSON") is same


@pytest.mark.parametrize(
    ("wanted", "stored"), [(1, True), (0, False), (1, "1"), (True, "true"), (1, 1.0), ([1, 2], [2, 1])]
)
def test_values_that_python_calls_equal_differ_where_json_does(wanted: Any, stored: Any) -> None:
    assert not content.wanted_content({"a": wanted}, None).means_the_same(json.dumps({"a": stored}), "JSON")


def test_yaml_and_json_that_mean_the_same_are_the_same() -> None:
    text = "schemaVersion: '1.0'\n# a comment\ninputs: {idleSessionTimeout: '20'}\n"
    value = {"schemaVersion": "1.0", "inputs": {"idleSessionTimeout": "20"}}
    assert content.wanted_content(value, None).means_the_same(text, "YAML")
    assert content.wanted_content(text, None).means_the_same(json.dumps(value), "JSON")


def test_text_is_compared_byte_for_byte() -> None:
    assert content.wanted_content("BEGIN\n", "TEXT").means_the_same("BEGIN\n", "TEXT")
    assert not content.wanted_content("BEGIN\n", "TEXT").means_the_same("BEGIN", "TEXT")


@given(mappings)
def test_keys_are_never_rewritten(value: dict[str, Any]) -> None:
    text, unused = content.wanted_content({"my_param": value, "MyParam": 1, "my-param": 2}, None).encode(None)
    assert list(json.loads(text)) == ["my_param", "MyParam", "my-param"]


def test_a_string_is_sent_as_it_is() -> None:
    text = '\n{"schemaVersion" :   "1.0"}\n'
    assert content.wanted_content(text, None).encode("JSON") == (text, "JSON")


@pytest.mark.parametrize(
    ("raw", "given_format", "stored", "expected"),
    [
        ({"a": 1}, None, None, "JSON"),
        ({"a": 1}, None, "YAML", "YAML"),
        ({"a": 1}, "JSON", "YAML", "JSON"),
        ('{"a": 1}', None, "YAML", "YAML"),
        ("a: 1", None, None, "YAML"),
        ("a: 1", None, "JSON", "JSON"),
        ('{"a":\t1}', None, "YAML", "YAML"),
        ("a: 1", "YAML", "JSON", "YAML"),
        ("plain", "TEXT", None, "TEXT"),
    ],
)
def test_the_format_kept_and_chosen(raw: Any, given_format: str | None, stored: str | None, expected: str) -> None:
    text, chosen = content.wanted_content(raw, given_format).encode(stored)
    assert chosen == expected
    if chosen == "YAML":
        assert yaml.safe_load(text) == {"a": 1}


def test_the_schema_version_that_yaml_made_a_number_is_sent_as_a_string() -> None:
    text, unused = content.wanted_content({"schemaVersion": 2.2, "other": 2.2}, None).encode(None)
    assert json.loads(text) == {"schemaVersion": "2.2", "other": 2.2}


@pytest.mark.parametrize(
    ("raw", "given_format", "sentence"),
    [
        (
            "{",
            None,
            "cannot be read as JSON: Expecting property name enclosed in double quotes, line 1, column 2. Content",
        ),
        ('{\n "a": [1,],\n "b": 1}', None, "as JSON: Expecting value, line 2, column 10."),
        ("\ufeff \n[1", None, "as JSON: Expecting ',' delimiter, line 2, column 3."),
        ("{a: 1}", None, "For YAML, set document_format to YAML."),
        ("{", "JSON", "as JSON"),
        ("a: [", "YAML", "as YAML"),
        ("[]", None, "a list"),
        ("just words", None, "a string"),
        ("", None, "empty"),
        ([], None, "a list"),
        (7, None, "a number"),
        ({"a": 1}, "TEXT", "TEXT"),
        ({"since": datetime.date(2026, 1, 31)}, None, "content: the value at since is a date, which JSON"),
        ({"a": [{"b c": float("nan")}]}, None, "the value at a[0].... is a number that is not finite, which"),
        ({"a": {1.5j: 2}}, None, "content: a key of a is a complex, which"),
    ],
)
def test_bad_content_is_refused_in_one_sentence(raw: Any, given_format: str | None, sentence: str) -> None:
    with pytest.raises(SSMError) as caught:
        content.wanted_content(raw, given_format)
    message = str(caught.value)
    assert sentence in message
    assert "\n" not in message and message.endswith(".")


def test_the_hash_is_of_the_bytes_sent() -> None:
    assert content.sha256("schöner\n") == hashlib.sha256("schöner\n".encode()).hexdigest()


def test_content_over_the_limit_is_refused() -> None:
    content.check_size("x" * content.MAX_BYTES)
    with pytest.raises(SSMError, match="65538 bytes"):
        content.check_size("é" * (content.MAX_BYTES // 2 + 1))


SPECIAL = "\x85\u2028\u2029\ufeff\x7f:#- '\"\n\t"


@given(mappings | st.dictionaries(st.text(SPECIAL, max_size=4), st.text("ab" + SPECIAL, max_size=6), max_size=3))
def test_a_mapping_is_written_in_each_format_as_it_is(value: dict[str, Any]) -> None:
    text, unused = content.wanted_content(value, None).encode("YAML")
    assert json.dumps(yaml.safe_load(text)) == json.dumps(value)
    assert content.wanted_content(value, None).means_the_same(text, "YAML")


@pytest.mark.parametrize(
    ("text", "stored_format", "sent"),
    [('{\n\t"a": 1\n}', "YAML", "a: 1\n"), ("# why\na: 1\n", "JSON", '{\n  "a": 1\n}')],
)
def test_a_text_that_the_stored_format_cannot_hold_is_converted(text: str, stored_format: str, sent: str) -> None:
    assert content.wanted_content(text, None).encode(stored_format) == (sent, stored_format)
    exact = content.wanted_content(text, None, exact=True)
    assert exact.encode(stored_format) == (text, "YAML" if stored_format == "JSON" else "JSON")


@pytest.mark.parametrize("raw", ['{"a": 1}', "a: 1\n"])
def test_a_byte_order_mark_is_no_content(raw: str) -> None:
    assert content.wanted_content("\ufeff" + raw, None) == content.wanted_content(raw, None)
    assert content.wanted_content("\ufeff" + raw, "TEXT").text == raw


def nested(levels: int, opening: str, closing: str) -> str:
    return opening * levels + "1" + closing * levels


UNWRITABLE: dict[str, Any] = {
    "nan": {"a": float("nan")},
    "infinity": {"a": float("-inf")},
    "date as a key": {datetime.date(2026, 1, 31): "a"},
    "date as a key below": {"a": {datetime.date(2026, 1, 31): "a"}},
    "deep JSON": nested(101, '{"a":', "}"),
    "deeper JSON": nested(9000, '{"a":', "}"),
    "deepest JSON": '{"a":' + nested(30_000, "[", "]") + "}",
    "deep YAML": "x: " + nested(101, "{a: ", "}"),
    "deeper YAML": "x: " + nested(3000, "{a: ", "}"),
    "endless YAML": "a: &a {b: *a}",
    "deep mapping": json.loads(nested(101, '{"a":', "}")),
}


@pytest.mark.parametrize("raw", UNWRITABLE.values(), ids=UNWRITABLE)
def test_content_that_cannot_be_written_is_refused_in_one_sentence(raw: Any) -> None:
    with pytest.raises(SSMError) as caught:
        content.wanted_content(raw, None)
    assert str(caught.value).startswith(("content ", "content: ")) and "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("{a: ", "}"), ("", "")])
def test_content_of_a_hundred_levels_is_content(opening: str, closing: str) -> None:
    as_json = nested(100, '{"a":', "}")
    given_format = "YAML" if opening == "{a: " else None
    wanted = content.wanted_content(nested(100, opening, closing) if opening else json.loads(as_json), given_format)
    assert wanted.means_the_same(as_json, "JSON")
    assert not wanted.means_the_same(nested(101, '{"a":', "}"), "JSON")
    for stored_format in ("JSON", "YAML"):
        text, document_format = wanted.encode(stored_format)
        assert content_lines.lines(text, document_format).count("a:") == 100


@pytest.mark.parametrize("raw", ['{"a": "\udcff"}', {"a": "\udcff"}, "a: \udcff"])
def test_half_of_a_character_is_refused_in_one_sentence(raw: Any) -> None:
    with pytest.raises(SSMError, match=r"^content:? .*\.$"):
        content.check_size(content.wanted_content(raw, None).encode(None)[0])


def test_dates_as_keys_in_yaml_are_compared_as_the_text_that_json_shows() -> None:
    text = "2026-01-31: a\n"
    assert content.wanted_content(text, None).means_the_same('{"2026-01-31": "a"}', "JSON")
    assert content.parse(text, "YAML") == {"2026-01-31": "a"}


def aliased(lines: int, times: int) -> str:
    """Return YAML of so many lines, each a list of ``times`` aliases of the line before."""
    first = "l0: &l0 [x]\n"
    return first + "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * times)}]\n" for n in range(1, lines))


def test_aliases_that_make_more_than_can_be_gone_through_are_refused() -> None:
    # 10 ** 30 entries: code that visits each of them never ends.
    with pytest.raises(
        SSMError, match=r"^content cannot be read .* its aliases or merge keys expand to more than 65536"
    ):
        content.wanted_content(aliased(31, 10), None)
    assert content.parse(aliased(31, 10), "YAML") is None
    assert not content.wanted_content({"a": 1}, None).means_the_same(aliased(31, 10), "YAML")


def test_aliases_are_content_like_any_other() -> None:
    wanted = content.wanted_content(aliased(4, 10), None)
    assert wanted.means_the_same(json.dumps(content.parse(aliased(4, 10), "YAML")), "JSON")
    # Content that is as large without aliases is not rejected here.
    assert content.parse(json.dumps({"a": list(range(70_000))}), "JSON") is not None


def merging(levels: int, width: int) -> str:
    """Return YAML of ``levels`` mappings, each of which merges the one before ``width`` times."""
    first = "a0: &a0 {k: v}\n"
    return first + "".join(f"a{n}: &a{n}\n  <<: [{','.join([f'*a{n - 1}'] * width)}]\n" for n in range(1, levels + 1))


# YAML or JSON that takes much longer to read than its size suggests.
COSTLY = {
    "merge keys": merging(4, 60),
    "more merge keys": merging(40, 30),
    "merged into itself": "a: &a\n  <<: *a\n",
    "pairs": "l0: &l0 !!pairs [a: 1]\n"
    + "".join(f"l{n}: &l{n} !!pairs [{', '.join([f'a: *l{n - 1}'] * 10)}]\n" for n in range(1, 30)),
    "levels": "x: " + "[" * 30_000,
    "complex keys": "? " * 30_000,
    "digits": "a: " + "1" * 60_000,
    "sexagesimal": "a: 1" + ":1" * 30_000,
    "hexadecimal": "a: 0x" + "f" * 60_000,
    "digits of JSON": '{"a": ' + "1" * 60_000 + "}",
    "too large": "a: " + "x" * content.MAX_BYTES,
}


def cpu_seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@functools.cache
def ordinary_seconds() -> float:
    """Return the seconds that it takes to read ordinary content of the maximum size."""
    text = "- {a: 1, b: x}\n" * (content.MAX_BYTES // 15)
    return cpu_seconds(lambda: content.parse(text, "YAML"))


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_what_multiplies_is_refused_while_it_is_read(text: str) -> None:
    def refuse() -> None:
        with pytest.raises(SSMError, match=r"^content:? .*\.$"):
            content.wanted_content(text, None)

    document_format = "JSON" if text.startswith("{") else "YAML"
    taken = cpu_seconds(refuse) + cpu_seconds(lambda: content.parse(text, document_format))
    assert taken < 2 * ordinary_seconds()


def test_merge_keys_are_content_like_any_other() -> None:
    text = "base: &base {a: 1, b: 2}\nmade:\n  <<: *base\n  b: 3\n"
    assert content.wanted_content(text, None).value == {"base": {"a": 1, "b": 2}, "made": {"a": 1, "b": 3}}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1,\n "b": {"c": 1, "\\u0063": 2}}', "line 2, column 16"),
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1"),
        ("x: {1: a, '1': b}\n", "line 1, column 11"),
    ],
)
def test_a_key_that_occurs_twice_is_refused_where_it_does(text: str, place: str) -> None:
    with pytest.raises(SSMError, match=f"a key occurs twice in a mapping, {place}"):
        content.wanted_content(text, None)
    # Content that AWS has already stored may have such a key, so ``parse`` accepts it.
    assert content.parse(text, "JSON" if text.startswith("{") else "YAML") is not None


SECRET = "hunter2"
BROKEN = [
    *(
        f"a: {one}"
        for one in ("*hunter2", "!hunter2 x", "%hunter2", "@hunter2", "'hunter2", '"\\xhunter2"', "b: hunter2")
    ),
    *("a: &hunter2 1\nb: &hunter2 *x", "%hunter2 1\n---\na: 1", "a: hunter2\x07", "hunter2: 1\nhunter2: 2", "hunter2"),
    *('{"hunter2', '{"a": hunter2}', '{"a": "\\hunter2"}', '{"hunter2": 1, "hunter2": 2}', '["hunter2"]', '{"a": NaN}'),
    *("a: 0x_", "a: [hunter2: ]: x", "? [hunter2]\n: x", "a: !!binary hunter2", "a: .nan", '{"hunter2 x": "\\ud800"}'),
]


@pytest.mark.parametrize("text", BROKEN)
def test_no_text_of_content_is_in_an_error(text: str) -> None:
    errors = []
    for given_format in (None, "JSON", "YAML"):
        try:
            content.wanted_content(text, given_format)
        except SSMError as error:
            errors.append(str(error))
    assert errors
    assert not [error for error in errors if SECRET in error or "\n" in error]


@given(st.text(string.printable, max_size=40), st.sampled_from(["JSON", "YAML"]))
def test_no_text_at_all_ends_in_another_error(text: str, document_format: str) -> None:
    with contextlib.suppress(content_reader.UnreadableError):
        content_reader.load(text, document_format, strict=True)


def test_numbers_are_texts_where_aws_wants_texts() -> None:
    inputs = {"idleSessionTimeout": 20.0, "maxSessionDuration": 60, "kmsKeyId": 7, "s3EncryptionEnabled": True, "x": 1}
    parameters = {
        "port": {"type": "String", "default": 80, "allowedValues": [80, 443]},
        "n": {"type": "Integer", "default": 1},
    }
    given = {"schemaVersion": 1.0, "sessionType": "Port", "description": 2026, "inputs": inputs}
    more = {"properties": {"portNumber": 22, "localPortNumber": "1"}, "parameters": parameters}
    assert content.wanted_content({**given, **more}, None).value == {
        "schemaVersion": "1.0",
        "sessionType": "Port",
        "description": "2026",
        "inputs": {**inputs, "idleSessionTimeout": "20", "maxSessionDuration": "60", "kmsKeyId": "7"},
        "properties": {"portNumber": "22", "localPortNumber": "1"},
        "parameters": {
            "port": {"type": "String", "default": "80", "allowedValues": ["80", "443"]},
            "n": parameters["n"],
        },
    }
    # A string is sent unchanged.
    text = json.dumps({**given, **more})
    assert content.wanted_content(text, None).encode(None) == (text, "JSON")
    assert content.wanted_content({"schemaVersion": 2, "inputs": {"idleSessionTimeout": 1}}, None).value == {
        "schemaVersion": "2",
        "inputs": {"idleSessionTimeout": 1},
    }


SCRIPTS = st.text("ab \t\n\r#:-|'\"\\\x85\u2028\x07é", max_size=12)


class Reader(yaml.SafeLoader):
    """A YAML loader for the lines of a diff, which have a tag of their own."""


def with_crlf(loader: Reader, node: yaml.ScalarNode) -> str:
    """Return a scalar tagged ``!crlf`` with Windows line endings."""
    return str(loader.construct_scalar(node)).replace("\n", "\r\n")


Reader.add_constructor("!crlf", with_crlf)


@given(mappings | st.dictionaries(SCRIPTS, SCRIPTS | st.lists(SCRIPTS, max_size=3), max_size=3))
def test_the_lines_of_a_diff_tell_all_values_apart(value: dict[str, Any]) -> None:
    shown = content_lines.lines(json.dumps(value), "JSON")
    assert shown == content_lines.lines(json.dumps(shuffled(value)), "JSON")
    assert json.dumps(Reader(shown).get_single_data(), sort_keys=True) == json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_script_is_shown_line_by_line(end: str) -> None:
    script = end.join(["#!/bin/sh", "\techo one ", "", "  echo 'two'", ""])
    shown = content_lines.lines(json.dumps({"runCommand": [script]}), "JSON").splitlines()
    assert [line.strip() for line in shown[2:]] == ["#!/bin/sh", "echo one", "", "echo 'two'"]


def test_what_is_a_text_stays_one() -> None:
    assert content.parse('{"a": 1}', "TEXT") is None
    assert content_lines.lines("b: 1\na: 2", "TEXT") == "b: 1\na: 2"
    assert content.wanted_content('{"a": 1}', None).encode("TEXT") == ('{"a": 1}', "TEXT")
    for text, stored, wanted in (("x", "TEXT", "JSON"), ("a: 1", "YAML", "TEXT"), ("[1]", "JSON", "YAML")):
        with pytest.raises(SSMError, match="cannot be converted from"):
            content.convert(text, stored, wanted)


def test_a_file_is_read_as_far_as_a_document_can_be_long(tmp_path: Path) -> None:
    file = tmp_path / "content.json"
    file.write_bytes(b"\xef\xbb\xbf" + b"x" * content.MAX_BYTES)
    assert len(content.read_file(str(file))) == content.MAX_BYTES + 1
    file.write_bytes(b"x" * (content.MAX_BYTES + 4))
    with pytest.raises(SSMError, match="is larger than 65536 bytes"):
        content.read_file(str(file))
    with pytest.raises(SSMError, match=r"^content_path no/such\.yml cannot be read: No such file") as missing:
        content.read_file("no/such.yml")
    assert str(missing.value).endswith(f" Searched: {Path.cwd()}/no/such.yml.")


@pytest.mark.parametrize(
    ("text", "stored", "wanted", "made"),
    [
        ('{"a":\t1}', "JSON", "JSON", '{"a":\t1}'),
        ("a:   1 # why\n", "YAML", "YAML", "a:   1 # why\n"),
        ("a: 1", "TEXT", "TEXT", "a: 1"),
        ("a: 1", "TEXT", None, "a: 1"),
        ('{"a": 1}', "JSON", "YAML", "a: 1\n"),
        ("a: 1\n", "YAML", "JSON", '{\n  "a": 1\n}'),
    ],
)
def test_stored_content_changes_only_with_its_format(text: str, stored: str, wanted: str | None, made: str) -> None:
    assert content.convert(text, stored, wanted) == (made, wanted or stored)


@pytest.mark.parametrize(
    ("text", "stored", "wanted"),
    [("a: 1", "TEXT", "JSON"), ("a: 1", "TEXT", "YAML"), ('{"a": 1}', "JSON", "TEXT"), ("- a", "YAML", "JSON")],
)
def test_stored_content_that_has_no_form_in_another_format_is_an_error(text: str, stored: str, wanted: str) -> None:
    with pytest.raises(
        SSMError, match=f"content cannot be converted from {stored} to {wanted}. Give the content in {wanted}\\."
    ):
        content.convert(text, stored, wanted)


def test_a_text_stands_for_no_value() -> None:
    assert content.parse("a: 1", "TEXT") is None


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("raw", ['{"a":\t1}', "a: 1 # why\n"])
def test_what_is_stored_as_text_keeps_every_byte(raw: str, exact: bool) -> None:
    assert content.wanted_content(raw, None, exact=exact).encode("TEXT") == (raw, "TEXT")


@pytest.mark.parametrize(
    ("raw", "given_format", "advice"),
    [
        ("{", None, " Content that begins with { or [ is read as JSON. For YAML, set document_format to YAML."),
        ("a: [", None, " For plain text, set document_format to TEXT."),
        ("{", "JSON", ""),
        ("a: [", "YAML", ""),
    ],
)
def test_who_did_not_say_the_format_is_told_how_to(raw: str, given_format: str | None, advice: str) -> None:
    with pytest.raises(SSMError, match=r"line 1, column \d+\.") as caught:
        content.wanted_content(raw, given_format)
    assert str(caught.value).rpartition("column ")[2].partition(".")[2] == advice


@pytest.mark.parametrize(("version", "sent"), [(1, "1"), (2, "2"), (1.0, "1.0"), (2.2, "2.2"), ("2.2", "2.2")])
def test_a_schema_version_is_sent_as_a_string(version: Any, sent: str) -> None:
    for document_format in ("JSON", "YAML"):
        text, unused = content.wanted_content({"schemaVersion": version}, document_format).encode(None)
        assert yaml.safe_load(text) == {"schemaVersion": sent}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (None, "content_path {} cannot be read: Is a directory."),
        (b"\xff\xfea\x00", "content_path {} cannot be read: it is not UTF-8 text."),
        (
            b"$ANSIBLE_VAULT;1.1;AES256\n" + b"61" * content.MAX_BYTES,
            "content_path {} is encrypted with Ansible Vault. Ansible decrypts a file only if the user who runs "
            "Ansible can read it. Make it readable, or decrypt it.",
        ),
    ],
)
def test_a_file_that_cannot_be_content_is_one_sentence(tmp_path: Path, data: bytes | None, sentence: str) -> None:
    path = tmp_path / "content.yml"
    path.mkdir() if data is None else path.write_bytes(data)
    with pytest.raises(SSMError) as caught:
        content.read_file(str(path))
    assert str(caught.value) == sentence.format(path)


def test_an_encrypted_file_of_another_host_is_not_decrypted(tmp_path: Path) -> None:
    path = tmp_path / "content.yml"
    path.write_text("$ANSIBLE_VAULT;1.1;AES256\n")
    with pytest.raises(SSMError) as caught:
        content.read_file(str(path), content.Origin("content.yml", here=False))
    assert str(caught.value) == (
        "content_path content.yml on the host of the task is encrypted with Ansible Vault. Ansible decrypts "
        "only files on the controller. Move it there, or decrypt it."
    )


def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path: Path) -> None:
    denied = PermissionError(13, "Permission denied")
    with mock.patch("builtins.open", side_effect=denied), pytest.raises(SSMError) as caught:
        content.read_file(str(tmp_path))
    assert str(caught.value) == f"content_path {tmp_path} cannot be read: Permission denied."


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("", "content_path is empty."), ("a\0b", "content_path contains an invalid character.")],
)
def test_a_path_that_is_none_is_one_sentence(path: str, sentence: str) -> None:
    with pytest.raises(SSMError) as caught:
        content.read_file(path)
    assert str(caught.value) == sentence
