# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that no import goes up a layer or in a circle, and that planning a document change cannot make the change."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterable
from pathlib import Path

import imports
import pytest

ROOT = Path(__file__).resolve().parents[2]
GRAPH = imports.graph(ROOT)
WHEN_RUN = imports.graph(ROOT, types=False)

SSM, DOCUMENTS = "plugins/module_utils/_ssm", "plugins/module_utils/_ssm/documents"
SESSION = "plugins/plugin_utils/_session"
# What the protocol of sessions must not import: it has no socket, clock, thread or randomness, and the helper runs on
# nodes that have nothing but Python. The rest has sockets and clocks, but knows neither Ansible nor AWS.
PROTOCOL = (
    *("__init__", "errors", "limits", "words", "frames", "channel", "handshake", "lines", "helper", "shell_loop"),
    "wire",
)
WITH_THREADS = ("fetch", "kept", "holder")
FOREIGN = re.compile(r"^(ansible|boto|websockets|socket|ssl|threading|asyncio|random|secrets|urllib|http)\b")
FOREIGN_TO_CLIENT = re.compile(r"^(ansible|boto|threading|asyncio|random|secrets)\b")
# The files of the collection that the files of a folder may import. The longest prefix of a file's path counts.
MAY_IMPORT = {
    f"{SSM}/": (f"{SSM}/*",),
    f"{SSM}/nodes/": (f"{SSM}/*", f"{SSM}/nodes/"),
    f"{SSM}/sessions/": (f"{SSM}/*", f"{SSM}/sessions/", f"{SSM}/nodes/targets.py", f"{SSM}/nodes/__init__.py"),
    f"{DOCUMENTS}/": (f"{SSM}/*", f"{DOCUMENTS}/"),
    "plugins/modules/": (f"{SSM}/", f"{DOCUMENTS}/"),
    "plugins/plugin_utils/": (f"{SSM}/", "plugins/plugin_utils/"),
    f"{SESSION}/": (f"{SESSION}/",),
    "plugins/inventory/": (f"{SSM}/", "plugins/plugin_utils/"),
    "plugins/connection/": (f"{SSM}/", "plugins/plugin_utils/"),
    "plugins/callback/": ("plugins/plugin_utils/",),
    "plugins/action/": (f"{SSM}/", "plugins/plugin_utils/"),
    "plugins/doc_fragments/": (),
    # The rest of the emulator uses the services. They import only what every service needs.
    "tests/emulator/services/": (
        "tests/emulator/services/",
        *(
            f"tests/emulator/{name}.py"
            for name in ["__init__", "model", "paging", "reading", "service", "world", "world_values"]
        ),
        *(f"tests/emulator/node/{name}.py" for name in ["__init__", "options"]),
    ),
    "tests/emulator/": ("tests/emulator/",),
}
# The first file may import none of the other files, directly or indirectly.
APART = {
    "reading does not know planning": ("read", ("plan", "requests", "apply", "ensure")),
    "planning cannot call AWS": ("plan", ("read", "apply", "ensure")),
    "actions cannot call AWS": ("actions", ("read", "apply", "ensure")),
    "comparing knows neither": ("matching", ("read", "plan", "requests", "apply", "ensure")),
}


def files(graph: dict[str, set[str]], prefix: str) -> dict[str, set[str]]:
    """Return the part of a graph below a folder."""
    return {
        name: {other for other in imported if other.startswith(prefix)}
        for name, imported in graph.items()
        if name.startswith(prefix)
    }


def reach(name: str, graph: dict[str, set[str]]) -> set[str]:
    """Return all files that a file imports, directly or indirectly."""
    found: set[str] = set()
    new = {name}
    while new:
        new = {other for one in new for other in graph[one]} - found
        found |= new
    return found


def is_allowed(imported: str, allowed: Iterable[str]) -> bool:
    return any(
        imported.startswith(entry[:-1]) and "/" not in imported[len(entry) - 1 :]
        if entry.endswith("*")
        else imported.startswith(entry)
        for entry in allowed
    )


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_no_import_runs_upwards(folder: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name in GRAPH
        if max((prefix for prefix in MAY_IMPORT if name.startswith(prefix)), key=len, default="") == folder
        for imported in sorted(GRAPH[name])
        if not is_allowed(imported, MAY_IMPORT[folder])
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("graph", "top"),
    [(GRAPH, "plugins/"), (WHEN_RUN, "tests/emulator/"), (GRAPH, "tests/tools/"), (GRAPH, "tests/unit/")],
)
def test_no_import_runs_in_a_circle(graph: dict[str, set[str]], top: str) -> None:
    graphlib.TopologicalSorter(files(graph, top)).prepare()  # CycleError names the files


@pytest.mark.parametrize("rule", APART)
def test_reading_planning_and_applying_are_apart(rule: str) -> None:
    name, others = APART[rule]
    assert reach(f"{DOCUMENTS}/{name}.py", GRAPH) & {f"{DOCUMENTS}/{other}.py" for other in others} == set()


def test_planning_cannot_call_aws() -> None:
    for name in ("plan", "actions", "requests", "matching", "diff", "options"):
        assert reach(f"{DOCUMENTS}/{name}.py", GRAPH) & {f"{SSM}/api.py", f"{SSM}/clients.py"} == set(), name


@pytest.mark.parametrize("path", sorted((ROOT / SESSION).glob("*.py")), ids=lambda path: str(path.name))
def test_sessions_import_no_ansible_and_their_protocol_no_socket(path: Path) -> None:
    core = path.stem in PROTOCOL
    found = [
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    ]
    allowed = {"threading"} if path.stem in WITH_THREADS else set()
    assert {name for name in found if (FOREIGN if core else FOREIGN_TO_CLIENT).match(name)} <= allowed
    assert "time" not in found or path.name == "helper.py" or not core


def test_the_graph_sees_each_kind_of_import() -> None:
    assert f"{SSM}/errors.py" in GRAPH[f"{DOCUMENTS}/plan.py"]  # from ..errors import
    assert f"{DOCUMENTS}/content_reader.py" in GRAPH[f"{DOCUMENTS}/content.py"]  # from . import
    assert f"{SSM}/nodes/listing.py" in GRAPH["plugins/plugin_utils/_inventory/fetch.py"]  # absolute
    assert "tests/emulator/registry.py" in GRAPH["tests/emulator/world.py"]  # inside a function or for types
    assert "tests/tools/imports.py" in GRAPH["tests/unit/test_layers.py"]  # a script
    assert "tests/emulator/world.py" not in WHEN_RUN["tests/emulator/service.py"]


def test_every_file_of_the_collection_has_a_rule() -> None:
    without = [name for name in GRAPH if name.startswith("plugins/") and not name.startswith(tuple(MAY_IMPORT))]
    assert without == []
