# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that modules are put together on the node of parts that it has, and that nothing wrong is ever run."""

from __future__ import annotations

import base64
import hashlib
import random
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import helper, session
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.helper import Parts
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.jobs import Job, Jobs
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.lines import Answer, LineError, Node
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.payload import parts_of
from hypothesis import given
from hypothesis import strategies as st

from emulator.testing import LocalAWS
from unit.support.module_payload import MEMBERS, a_module
from unit.support.session_client import Client, Told, a_client, a_node


class Ends:
    """The two ends of a session: what the client knows of the helper's parts, and those."""

    def __init__(self) -> None:
        self.client = session._HelperLanguage()
        self.node = Parts()

    def send(self, module: bytes) -> tuple[int, bytes]:
        """Return how many bytes were sent, and what the node built of them."""
        payload = parts_of(module)
        assert payload is not None
        raw = b"".join((payload.recipe, *payload.parts.values()))
        sizes = {name: len(part) for name, part in payload.parts.items()}
        sent, members = self.client._without_what_is_there(raw, len(payload.recipe), sizes)
        return len(sent), self.node.build(members, sent)


some_members = st.lists(st.sampled_from(sorted(MEMBERS)), unique=True, min_size=1)


@given(modules=st.lists(st.tuples(some_members, st.text()), min_size=1), most=st.sampled_from((1, 20_000, 10**9)))
def test_what_is_built_is_the_module_and_both_ends_keep_the_same(
    modules: list[tuple[list[str], str]], most: int
) -> None:
    ends = Ends()
    with mock.patch.object(helper, "MAX_PARTS", most):
        for members, text in modules:
            module = a_module(*members, text=text)
            assert ends.send(module)[1] == module
            assert ends.node.size <= most
            parts = [part for size, part in ends.node.held.values()]
            assert ends.node.size == sum(helper.PART_OVERHEAD + len(part) for part in parts)
            theirs = [(name, size) for name, (size, part) in ends.node.held.items()]
            assert theirs == [(name, size) for name, (size, part) in ends.client._parts.held.items()]


def test_only_what_is_new_is_sent() -> None:
    ends = Ends()
    names = sorted(MEMBERS)
    first = a_module(*names[:10], text="id")
    assert ends.send(first)[0] > 50_000
    assert ends.send(first)[0] < 200
    assert ends.send(a_module(*names[:10], text="uptime"))[0] < 300
    assert 6000 < ends.send(a_module(*names[:11]))[0] < 7000


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_arguments_may_have_base64_and_a_zip_file(compression: int) -> None:
    """ansible-core 2.19 to 2.21 have the arguments before the zip file, and earlier ones after it."""
    ends = Ends()
    small = a_module(sorted(MEMBERS)[0], compression=compression).decode()
    module = a_module(*sorted(MEMBERS)[3:], text=small, compression=compression)
    for sent in (module, b"\n".join(reversed(module.split(b"\n")))):
        assert ends.send(sent)[1] == sent
    assert ends.send(module)[0] < 10_000


def test_much_base64_that_is_no_zip_file_takes_little_time() -> None:
    """The time must grow with the length of all of it, and not with the square of the length of each piece."""

    def seconds(length: int) -> float:
        text = b" ".join(b"A" * length for unused in range(1_000_000 // length))
        took = []
        for unused in range(3):
            began = time.process_time()
            assert parts_of(text) is None
            took.append(time.process_time() - began)
        return min(took)

    assert seconds(4000) < 4 * seconds(250)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"echo here\n" * 1000,
        b"A" * 10_000,
        base64.b64encode(random.Random(1).randbytes(30_000)),
        a_module(*MEMBERS)[:-5000],
    ],
    ids=["nothing", "a script", "not base64 of a zip file", "base64 of something else", "a part of a module"],
)
def test_what_is_no_module_is_sent_as_it_is(data: bytes) -> None:
    assert parts_of(data) is None


@given(at=st.integers(0, 1 << 20), other=st.binary(max_size=8), length=st.integers(0, 8))
def test_what_is_damaged_is_built_as_it_is_or_sent_as_it_is(at: int, other: bytes, length: int) -> None:
    module = a_module(*sorted(MEMBERS)[:2])
    at %= len(module)
    damaged = module[:at] + other + module[at + length :]
    if parts_of(damaged) is not None:
        assert Ends().send(damaged)[1] == damaged


@given(where=st.integers(1, 400), value=st.integers(0, 255))
def test_a_damaged_list_of_members_is_built_as_it_is_or_sent_as_it_is(where: int, value: int) -> None:
    packed = bytearray(base64.b64decode(a_module(*sorted(MEMBERS)[:2]).split(b'"""')[1]))
    packed[-where] = value
    damaged = base64.b64encode(packed)
    if parts_of(damaged) is not None:
        assert Ends().send(damaged)[1] == damaged


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    with a_node() as served:
        yield served


WHAT_RAN = "cat > {path}; echo >> {path}.times; cat {path}"


def test_a_wrong_part_is_noticed_and_the_module_runs_once(aws: LocalAWS, tmp_path: Path) -> None:
    source = session._HELPER.replace(b"self.held[name] = size, part\n", b"self.held[name] = size, part[::-1]\n")
    assert source != session._HELPER
    module, command = a_module(*MEMBERS), WHAT_RAN.format(path=tmp_path / "input").encode()
    with mock.patch.object(session, "_HELPER", source), a_client(aws) as client:
        for unused in range(2):
            before = parts_at(client)
            assert client.run(command, module).out == module
            assert parts_at(client) is not before
    assert (tmp_path / "input.times").read_text() == "\n\n"


@pytest.mark.parametrize("what", ["part", "recipe"])
def test_what_the_node_does_not_have_is_sent_whole(aws: LocalAWS, what: str) -> None:
    """The client may believe that the node has more than it has."""
    modules = [a_module(*sorted(MEMBERS)[:count]) for count in (5, 10)]
    whole = a_module(*MEMBERS)
    with a_client(aws) as client:
        for module in modules:
            assert client.run(b"cat", module).out == module
        believed = parts_at(client)
        if what == "part":
            payload = parts_of(whole)
            assert payload is not None
            for name, part in payload.parts.items():
                believed.keep(name, len(part))
        else:
            believed.recipe = b"another"
        for unused in range(2):
            assert client.run(b"cat", whole).out == whole
        assert parts_at(client) is not believed
        assert client.run(b"cat", modules[0]).out == modules[0]


def test_jobs_that_are_fed_in_part_wait_or_fail_get_their_module(aws: LocalAWS) -> None:
    """A password comes before the module, and others build at the same time."""
    module = a_module(*MEMBERS)
    with a_client(aws) as client:
        jobs = [client.execute(b"read -r first; echo $first; sha256sum", "open") for unused in range(3)]
        client.give(client.execute(b"exit 3", "open"), module)
        for job in jobs:
            client.feed_now(job, b"password\n")
            parts_at(client).recipe = b"another"  # the node refuses each
            client.give(job, module)
        for job in jobs:
            client.finish(job)
            assert bytes(job.out).decode() == f"password\n{hashlib.sha256(module).hexdigest()}  -\n"


def test_a_cancelled_job_gets_no_module() -> None:
    job = Job(1)
    job.whole = b"module"
    sent: list[str] = []
    transport = mock.Mock(request=lambda do, number, *raw, **members: sent.append(do), has_room=True)
    jobs = Jobs(transport, Node("user", python="3.11"), Told())
    jobs.cancel(job)
    with pytest.raises(LineError):
        job.take(Answer(1, "m", b"{}"))
    assert job.input is None and sent == ["cancel"]


def test_the_node_writes_nothing_of_a_module_to_a_file(aws: LocalAWS) -> None:
    """The helper is not allowed to write to any."""
    no_files = b"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    source = session._HELPER.replace(b"import zlib\n", b"import zlib\n" + no_files, 1)
    module = a_module(*MEMBERS)
    with mock.patch.object(session, "_HELPER", source), a_client(aws) as client:
        before = parts_at(client)
        for unused in range(2):
            assert client.run(b"cat", module).out == module
        assert parts_at(client) is before
        assert client.run(b"echo x > $(mktemp)").status != 0


def parts_at(client: Client) -> Parts:
    """Return what the client takes the node to have."""
    language = client.session._language
    assert isinstance(language, session._HelperLanguage)
    return language._parts
