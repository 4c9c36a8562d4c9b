# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out which Python files of the checkout import each other, without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

# The folders of top-level packages, by their names in imports; see pytest.ini.
_ROOTS = {
    "ansible_collections.sessionops.aws": "",
    "emulator": "tests/emulator",
    "unit": "tests/unit",
}
_SCRIPTS = ("tests/tools", "tests/bench")
# Files that a file imports through Ansible's plugin loader.
_LOADED = {"tests/unit/support/inventory_source.py": {"plugins/inventory/aws_ssm.py"}}


def graph(root: Path, *, types: bool = True) -> dict[str, set[str]]:
    """Map each Python file of plugins/ and tests/ to the files that it imports.

    Paths are relative to ``root``: ``{"plugins/modules/ssm_document.py": {"plugins/module_utils/_ssm/module.py"}}``.
    ``types`` counts imports below ``if TYPE_CHECKING`` too, which do not happen when the code runs.
    """
    files = {
        path.relative_to(root).as_posix(): path for top in ("plugins", "tests") for path in (root / top).rglob("*.py")
    }
    return {name: _imported(name, path, set(files), types) for name, path in files.items()}


def dependents(changed: set[str], imports: Mapping[str, set[str]]) -> dict[str, int]:
    """Map ``changed`` and each file that imports one of them, directly or not, to the number of imports in between.

    ``{"plugins/module_utils/_ssm/errors.py": 0, "plugins/module_utils/_ssm/api.py": 1}``
    """
    found = dict.fromkeys(changed, 0)
    distance = 0
    while True:
        distance += 1
        more = {name for name, imported in imports.items() if not imported.isdisjoint(found)} - set(found)
        if not more:
            return found
        found |= dict.fromkeys(more, distance)


def _imported(name: str, path: Path, files: set[str], types: bool) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set(_LOADED.get(name, ()))
    for node in _nodes(tree, types):
        for module, member in _targets(node, name):
            found |= _files(module, member, name, files)
    return found - {name}


def _nodes(tree: ast.AST, types: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not types and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _nodes(node, types)


def _targets(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    """Yield the module and the member that an import names, such as ``("emulator.services", "sts")``."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level:
            package = Path(name).parents[node.level - 1].as_posix().replace("/", ".")
            module = "/".join(filter(None, (package.replace(".", "/"), module.replace(".", "/"))))
        yield from ((module, alias.name) for alias in node.names)


def _files(module: str, member: str, name: str, files: set[str]) -> set[str]:
    """Return the files that run when ``member`` of ``module`` is imported: the module and its package."""
    found: set[str] = set()
    for folder in _folders(module, name):
        for candidate in (f"{folder}/{member}", folder) if member else (folder,):
            found |= {file for file in (f"{candidate}.py", f"{candidate}/__init__.py") if file in files}
    return found


def _folders(module: str, name: str) -> list[str]:
    if "/" in module:  # a relative import, already resolved
        return [module]
    path = module.replace(".", "/")
    for prefix, folder in _ROOTS.items():
        if module == prefix or module.startswith(prefix + "."):
            rest = path[len(prefix) :].strip("/")
            return ["/".join(filter(None, (folder, rest)))]
    if name.startswith("tests/"):
        return [f"{folder}/{path}" for folder in _SCRIPTS]
    return []
