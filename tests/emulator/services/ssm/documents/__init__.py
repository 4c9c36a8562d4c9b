# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SSM documents.

- ``operations.py`` answers the calls. ``listing.py`` and ``sharing.py`` answer ListDocuments and the operations on
  permissions.
- ``store.py`` has the state: documents and their versions. ``world_documents.py`` reads the documents that a world
  describes.
- ``versions.py`` makes a version. ``content.py`` reads and writes JSON and YAML, ``schema.py`` checks content as AWS
  does.
- ``shapes.py`` makes the structures of replies.
"""
