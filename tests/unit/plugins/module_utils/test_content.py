# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What counts as the same content, and what content is refused before any call."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Any

import pytest
import yaml
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import content, content_lines, content_reader
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
    """The same value with the keys of every mapping in reverse order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [shuffled(entry) for entry in value]
    return value


@given(mappings, st.sampled_from([None, 1, 4]))
def test_white_space_and_key_order_are_no_difference(value: dict[str, Any], indent: int | None) -> None:
    stored = json.dumps(shuffled(value), indent=indent)
    assert content.wanted(value, None).means_the_same(stored, "JSON")
    assert content.wanted(json.dumps(value), None).means_the_same(stored, "JSON")


@given(mappings)
def test_what_a_mapping_is_sent_as_means_that_mapping(value: dict[str, Any]) -> None:
    text, document_format = content.wanted(value, None).encode(None)
    assert document_format == "JSON"
    assert json.loads(text) == value


@given(mappings, mappings)
def test_a_difference_in_meaning_is_one(left: dict[str, Any], right: dict[str, Any]) -> None:
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert content.wanted(left, None).means_the_same(json.dumps(right), "JSON") is same


@pytest.mark.parametrize(
    ("wanted", "stored"), [(1, True), (0, False), (1, "1"), (True, "true"), (1, 1.0), ([1, 2], [2, 1])]
)
def test_values_that_python_calls_equal_differ_where_json_does(wanted: Any, stored: Any) -> None:
    assert not content.wanted({"a": wanted}, None).means_the_same(json.dumps({"a": stored}), "JSON")


def test_yaml_and_json_that_mean_the_same_are_the_same() -> None:
    text = "schemaVersion: '1.0'\n# a comment\ninputs: {idleSessionTimeout: '20'}\n"
    value = {"schemaVersion": "1.0", "inputs": {"idleSessionTimeout": "20"}}
    assert content.wanted(value, None).means_the_same(text, "YAML")
    assert content.wanted(text, None).means_the_same(json.dumps(value), "JSON")


def test_text_is_compared_byte_for_byte() -> None:
    assert content.wanted("BEGIN\n", "TEXT").means_the_same("BEGIN\n", "TEXT")
    assert not content.wanted("BEGIN\n", "TEXT").means_the_same("BEGIN", "TEXT")


@given(mappings)
def test_keys_are_never_rewritten(value: dict[str, Any]) -> None:
    text, unused = content.wanted({"my_param": value, "MyParam": 1, "my-param": 2}, None).encode(None)
    assert list(json.loads(text)) == ["my_param", "MyParam", "my-param"]


def test_a_string_is_sent_as_it_is() -> None:
    text = '\n{"schemaVersion" :   "1.0"}\n'
    assert content.wanted(text, None).encode("JSON") == (text, "JSON")


@pytest.mark.parametrize(
    ("raw", "given_format", "stored", "expected"),
    [
        ({"a": 1}, None, None, "JSON"),
        ({"a": 1}, None, "YAML", "YAML"),
        ({"a": 1}, "JSON", "YAML", "JSON"),
        ('{"a": 1}', None, "YAML", "YAML"),
        ("a: 1", None, None, "YAML"),
        ("a: 1", None, "JSON", "YAML"),
        ("a: 1", "YAML", "JSON", "YAML"),
        ("plain", "TEXT", None, "TEXT"),
    ],
)
def test_the_format_kept_and_chosen(raw: Any, given_format: str | None, stored: str | None, expected: str) -> None:
    text, chosen = content.wanted(raw, given_format).encode(stored)
    assert chosen == expected
    if chosen == "YAML":
        assert yaml.safe_load(text) == {"a": 1}


def test_the_schema_version_that_yaml_made_a_number_is_sent_as_a_string() -> None:
    text, unused = content.wanted({"schemaVersion": 2.2, "other": 2.2}, None).encode(None)
    assert json.loads(text) == {"schemaVersion": "2.2", "other": 2.2}


@pytest.mark.parametrize(
    ("raw", "given_format", "sentence"),
    [
        ("{", None, "neither"),
        ("{", "JSON", "as JSON"),
        ("a: [", "YAML", "as YAML"),
        ("[]", None, "a list"),
        ("just words", None, "a string"),
        ("", None, "empty"),
        ([], None, "a list"),
        (7, None, "a number"),
        ({"a": 1}, "TEXT", "TEXT"),
        ({"since": datetime.date(2026, 1, 31)}, None, "2026-01-31"),
    ],
)
def test_bad_content_is_refused_in_one_sentence(raw: Any, given_format: str | None, sentence: str) -> None:
    with pytest.raises(SSMError) as caught:
        content.wanted(raw, given_format)
    message = str(caught.value)
    assert sentence in message or (sentence == "neither" and "as JSON" in message and "as YAML" in message)
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
    text, unused = content.wanted(value, None).encode("YAML")
    assert json.dumps(yaml.safe_load(text)) == json.dumps(value)
    assert content.wanted(value, None).means_the_same(text, "YAML")


@pytest.mark.parametrize("text", ['{\n\t"a": 1\n}', '{"a":\t1}'])
def test_json_that_is_no_yaml_is_stored_as_json(text: str) -> None:
    assert content.wanted(text, None).encode("YAML") == (text, "JSON")


@pytest.mark.parametrize("raw", ['{"a": 1}', "a: 1\n"])
def test_a_byte_order_mark_is_no_content(raw: str) -> None:
    assert content.wanted("\ufeff" + raw, None) == content.wanted(raw, None)
    assert content.wanted("\ufeff" + raw, "TEXT").text == raw


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
    "deep YAML": nested(101, "{a: ", "}"),
    "deeper YAML": nested(3000, "{a: ", "}"),
    "endless YAML": "a: &a {b: *a}",
    "deep mapping": json.loads(nested(101, '{"a":', "}")),
}


@pytest.mark.parametrize("raw", UNWRITABLE.values(), ids=UNWRITABLE)
def test_content_that_cannot_be_written_is_refused_in_one_sentence(raw: Any) -> None:
    with pytest.raises(SSMError) as caught:
        content.wanted(raw, None)
    assert str(caught.value).startswith("content ") and "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("{a: ", "}"), ("", "")])
def test_content_of_a_hundred_levels_is_content(opening: str, closing: str) -> None:
    as_json = nested(100, '{"a":', "}")
    wanted = content.wanted(nested(100, opening, closing) if opening else json.loads(as_json), None)
    assert wanted.means_the_same(as_json, "JSON")
    assert not wanted.means_the_same(nested(101, '{"a":', "}"), "JSON")
    for stored_format in ("JSON", "YAML"):
        text, document_format = wanted.encode(stored_format)
        assert content_lines.lines(text, document_format).count('a:') == 100


@pytest.mark.parametrize("raw", ['{"a": "\udcff"}', {"a": "\udcff"}, "a: \udcff"])
def test_half_of_a_character_is_refused_in_one_sentence(raw: Any) -> None:
    with pytest.raises(SSMError, match=r"^content .*\.$"):
        content.check_size(content.wanted(raw, None).encode(None)[0])


def test_dates_as_keys_in_yaml_are_compared_as_the_text_that_json_shows() -> None:
    text = "2026-01-31: a\n"
    assert content.wanted(text, None).means_the_same('{"2026-01-31": "a"}', "JSON")
    assert content.parsed(text, "YAML") == {"2026-01-31": "a"}


def aliased(lines: int, times: int) -> str:
    """A few lines of YAML, each a list of so many times the line before."""
    first = "l0: &l0 [x]\n"
    return first + "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * times)}]\n" for n in range(1, lines))


def test_aliases_that_make_more_than_can_be_gone_through_are_refused() -> None:
    # 10 ** 30 entries: what goes through them does not come back.
    with pytest.raises(SSMError, match=r"^content cannot be read .* its aliases make more of it than the 65536 bytes"):
        content.wanted(aliased(31, 10), None)
    assert content.parsed(aliased(31, 10), "YAML") is None
    assert not content.wanted({"a": 1}, None).means_the_same(aliased(31, 10), "YAML")


def test_aliases_are_content_like_any_other() -> None:
    wanted = content.wanted(aliased(4, 10), None)
    assert wanted.means_the_same(json.dumps(content.parsed(aliased(4, 10), "YAML")), "JSON")
    # What is large without them has another reason for being refused.
    content.wanted(json.dumps({"a": list(range(70_000))}), None)
