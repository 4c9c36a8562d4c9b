# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""How documents are planned, for ssm_document and ssm_document_info.

A task goes one way: options -> spec -> state -> plan -> apply -> result.

1. ``options.py`` makes a ``DocumentSpec`` or a ``Removal`` of the options and refuses what AWS would refuse
   (``limits.py``, ``content_schema.py``), before any call.
2. ``read.py`` reads the document as a ``DocumentState``, with no more calls than the plan requires.
3. ``plan.py`` compares the two and returns the actions (``actions.py``), in order. It makes no call, so check mode and
   a real run have the same plan. ``requests.py`` makes the requests of CreateDocument and UpdateDocument, and
   ``sharing.py`` those of ModifyDocumentPermission.
4. ``apply.py`` does the actions and waits where a later one depends on it. ``diff.py`` foresees the state after them.
5. ``ensure.py`` holds this together. If somebody else changes the document in the meantime, it reads and plans once
   more. If a document that was deleted to be recreated cannot be created, it puts the old one back.

``content.py`` compares content by its meaning; ``content_reader.py`` reads it at a cost that its size limits.
``preferences.py`` converts session preferences to content and back. ``info.py`` is the work of ssm_document_info.

AWS does much that its API reference does not say: see document_traps.rst, where each behaviour has a number and a
source, and the tests of the same numbers.
"""
