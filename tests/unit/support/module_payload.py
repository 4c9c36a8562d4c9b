# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules as ansible-core sends them: programs with a zip file in base64, whose members are often the same."""

from __future__ import annotations

import base64
import io
import random
import zipfile

MEMBERS = {f"ansible/module_utils/m{number}.py": random.Random(number).randbytes(6000) for number in range(12)}
MEMBERS["ansible/module_utils/twin.py"] = MEMBERS["ansible/module_utils/m3.py"]
SMALL = {"ansible/__init__.py": b"", "ansible/small.py": b"x" * 10}


def a_module(*members: str, text: str = "", compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return what ansible-core would send for a module that has these members, and this text in its arguments."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in (*SMALL, *members):
            member = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            archive.writestr(member, {**SMALL, **MEMBERS}[name], compress_type=compression)
    encoded = base64.b64encode(packed.getvalue()).decode()
    return f'PARAMS = {text!r}\nZIPDATA = """{encoded}"""\n'.encode()
