# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The results of the modules about documents, as their RETURN blocks document them.

Shapes that come from AWS are open: AWS may add members to them.
"""

from __future__ import annotations

from typing import Any, NotRequired

from ..module import ModuleResult

# A document with the members of DescribeDocument or ListDocuments in snake_case, and what the task asks for besides.
ReturnedDocument = dict[str, Any]


class DocumentResult(ModuleResult):
    """The result of ssm_document."""

    document: ReturnedDocument | None
    actions: list[str]
    diff: list[dict[str, str]]
    lost_content: NotRequired[str]


class DocumentInfoResult(ModuleResult):
    """The result of ssm_document_info."""

    documents: list[ReturnedDocument]
