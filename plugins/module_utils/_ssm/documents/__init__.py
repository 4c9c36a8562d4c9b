# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Manage SSM documents for ssm_document, and read them for ssm_document_info.

A task of ssm_document takes one path: options -> spec -> state -> plan -> apply -> result.

1. ``options.py`` converts the options to a ``DocumentSpec`` or a ``Removal``. It rejects what AWS would reject
   (``limits.py``, ``content_schema.py``), before any call.
2. ``read.py`` reads the document as a ``DocumentState``. It makes only the calls that the plan requires.
3. ``plan.py`` compares the two (``matching.py``) and returns the actions (``actions.py``), in order. It makes no call,
   so check mode and a real run have the same plan. ``requests.py`` builds the requests of CreateDocument and
   UpdateDocument, and ``sharing.py`` those of ModifyDocumentPermission.
4. ``apply.py`` carries out the actions. Between them it waits where a later one requires it. ``diff.py`` predicts the
   state after them.
5. ``ensure.py`` runs these steps. If somebody else changes the document in the meantime, it reads and plans once more.
   If a document was deleted to be recreated and cannot be created, it restores the old one.

``content.py`` compares content by its meaning. ``content_reader.py`` parses it at a cost that is limited by its size.
``preferences.py`` converts session preferences to content and back. ``info.py`` does the work of ssm_document_info.

AWS does much that its API reference does not document. docs/docsite/rst/document_traps.rst numbers these behaviours
("trap 3"), the tests have the same numbers, and ``tests/emulator/FIDELITY.md`` has the sources.
"""
