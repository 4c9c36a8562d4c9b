# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test what the client takes from a node, and what it refuses, because a node may be broken or hostile."""

from __future__ import annotations

import base64
import json
import os
import zlib

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.helper import Blocks, Requests
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.lines import (
    Answer,
    End,
    LineError,
    Node,
    Reader,
    Writer,
    end_of,
    node_of,
    read_of,
)


def line_of(data: bytes, number: int = 0, flag: str = "-", job: int = 1) -> bytes:
    """Return a line as the helper prints it."""
    coded = base64.b64encode(data)
    return f"~{number} {job} o {flag} {len(data)} {zlib.crc32(data):08x} ".encode() + coded + b"\n"


def answer(kind: str, said: object) -> Answer:
    return Answer(1, kind, json.dumps(said).encode())


GOOD = line_of(b"abc")


@pytest.mark.parametrize(
    "before",
    [b"", b"motd\nBroadcast message\n", b"\n", b"root@node:~# ", b"~", b"~/bin: ~x ~5 of ~7 apples ", b"\xff~1"],
)
def test_an_answer_is_found_behind_what_others_print(before: bytes) -> None:
    reader = Reader()
    assert reader.feed(before + GOOD) == [Answer(1, "o", b"abc")]
    assert reader.feed(line_of(b"d", 1).replace(b"\n", b"\r\n")) == [Answer(1, "o", b"d")]


@pytest.mark.parametrize("line", [b"~", b"~what", b"~1", b"~12345678901 1 o - 0 00000000 ", b"user@node:~$ ls ~ 1 2"])
def test_a_line_without_an_answer_is_passed_over(line: bytes) -> None:
    reader = Reader()
    assert reader.feed(line + b"\n" + GOOD) == [Answer(1, "o", b"abc")]
    assert reader.stray == line.strip()


@pytest.mark.parametrize(
    ("good", "bad", "why"),
    [
        (b"~0", b"~1", "did not arrive"),
        (b" 1 o", b" 1_0 o", "not an answer"),
        (b" 1 o", b" +1 o", "not an answer"),
        (b" 1 o", b"  1 o", "not an answer"),
        (b" 1 o", b" 12345678901 o", "not an answer"),
        (b" 1 o", b" \xd9\xa1 o", "not an answer"),
        (b" o ", b" q ", "not an answer"),
        (b" o ", b" og ", "not an answer"),
        (b" o ", b" O ", "not an answer"),
        (b" - ", b" ? ", "not an answer"),
        (b" - ", b" -z ", "not an answer"),
        (b" - 3 ", b" - 0_3 ", "not an answer"),
        (b" - 3 ", b" - 1234567890 ", "not an answer"),
        (b" - 3 ", b" - 4 ", "damaged"),
        (b"352441c2", b"352441C2", "not an answer"),
        (b"352441c2", b"0x352441c2", "not an answer"),
        (b"352441c2", b"00000000", "damaged"),
        (b"YWJj", b"YWJ!j", "not an answer"),
        (b"YWJj", b"YWJj=", "not an answer"),
        (b"YWJj", b"YWJ", "not an answer"),
        (b"YWJj", b"YWI=", "damaged"),
        (b"YWJj", b"YWJj ", "not an answer"),
    ],
)
def test_an_answer_that_is_not_as_the_helper_writes_it_is_refused(good: bytes, bad: bytes, why: str) -> None:
    assert GOOD.count(good) == 1
    with pytest.raises(LineError, match=why):
        Reader().feed(GOOD.replace(good, bad))


def test_a_helper_that_lost_a_request_is_told() -> None:
    with pytest.raises(LineError, match="lost a part of a request"):
        Reader().feed(b"~broken\r\n")


@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(bytes(1 << 24)),
        zlib.compress(b"abc")[:-1],
        zlib.compress(b"abc") + b"x",
        b"abc",
        b"",
    ],
    ids=["a bomb", "a part", "more", "not compressed", "nothing"],
)
def test_an_answer_that_cannot_be_unpacked_is_refused(packed: bytes) -> None:
    reader = Reader()
    whole = b"".join(
        line_of(packed[start : start + 6000], place, "+" if start + 6000 < len(packed) else "z")
        for place, start in enumerate(range(0, max(len(packed), 1), 6000))
    )
    with pytest.raises(LineError, match="damaged"):
        reader.feed(whole)


def test_what_goes_on_and_on_is_refused() -> None:
    reader = Reader()
    for unused in range(64):
        assert reader.feed(b"x" * 1024) == []
    with pytest.raises(LineError, match="a line that is too long"):
        reader.feed(b"x")
    reader = Reader()
    for number in range(21):
        assert reader.feed(line_of(bytes(6000), number, "+")) == []
    with pytest.raises(LineError, match="The node sent an answer that is too long"):
        reader.feed(line_of(bytes(6000), 21, "+"))


def test_nothing_comes_between_the_parts_of_an_answer() -> None:
    reader = Reader()
    assert reader.feed(line_of(b"ab", 0, "+")) == []
    with pytest.raises(LineError, match="did not arrive"):
        reader.feed(line_of(b"ab", 1, "-", job=2))


def test_an_answer_of_the_largest_size_is_taken() -> None:
    data = os.urandom(65536)
    starts = range(0, len(data), 6000)
    reader = Reader()
    found = [
        each
        for place, start in enumerate(starts)
        for each in reader.feed(line_of(data[start : start + 6000], place, "-" if start == starts[-1] else "+"))
    ]
    assert found == [Answer(1, "o", data)]


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ({"rc": 0, "cancelled": False}, End(0)),
        ({"rc": 255}, End(255)),
        ({"rc": -15, "cancelled": True, "left": False}, End(-15)),
        ({"rc": -15, "cancelled": True, "left": True}, End(-15, left=True)),
        ({"error": "cancelled", "cancelled": True, "left": True}, End(error="cancelled", left=True)),
        ({"size": 3}, End()),
        ({"size": 3, "sha256": "ab", "mode": 420}, End(sha256="ab")),
        ({"error": "No such file", "started": False}, End(error="No such file")),
        ({"error": "a\r\n\x1b[31mb \udcff c"}, End(error="a [31mb c")),
        ({"error": "x" * 5000}, End(error="x" * 200)),
        ({"error": "\n"}, End(error="no reason was given")),
        ({"error": None}, End(error="None")),
    ],
)
def test_the_end_of_a_job_is_read(said: object, end: End) -> None:
    assert end_of(answer("x", said)) == end


@pytest.mark.parametrize(
    "said", [{}, [], None, {"rc": True}, {"rc": "0"}, {"rc": 1.0}, {"rc": 256}, {"rc": -256}, {"rc": None}]
)
def test_an_end_that_cannot_be_one_is_refused(said: object) -> None:
    with pytest.raises(LineError):
        end_of(answer("x", said))


def test_the_bytes_that_were_read_are_read() -> None:
    assert read_of(answer("c", {"read": 65536})) == 65536
    wrong: list[object] = [{}, [], {"read": -1}, {"read": True}, {"read": "1"}, {"read": 1.5}]
    for said in wrong:
        with pytest.raises(LineError):
            read_of(answer("c", said))


def test_requests_that_are_added_share_blocks() -> None:
    """Each block is a message, with a header that is longer than many a request."""
    writer = Writer()
    added = [*writer.add("exec", 1, command="id"), *writer.add("feed", 1, b"x" * 300), *writer.add("cancel", 1)]
    assert added == []
    [block] = writer.flush()
    assert [request["do"] for request, unused in Requests().feed(Blocks(0).feed(block))] == ["exec", "feed", "cancel"]
    assert list(writer.flush()) == []


def test_who_runs_where_is_read() -> None:
    said = {"user": "root", "home": "/r\udcff", "python": "3.8.10", "executable": "/usr/bin/python3", "system": "Linux"}
    assert node_of(answer("h", {**said, "uid": 0})) == Node(**said)
    for name in said:
        for wrong in ({**said, name: 0}, {key: value for key, value in said.items() if key != name}):
            with pytest.raises(LineError, match="did not send its user and its system"):
                node_of(answer("h", wrong))
