# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The client layer that the collection's modules and plugins share.

``api.py`` has one function for each AWS operation. It pages to the end and checks each reply (``replies.py``), so that
nothing above it meets a member of a wrong type. ``clients.py`` makes the boto3 clients, ``errors.py`` turns whatever
botocore raises into one sentence, ``fanout.py`` does one call for many targets and ``region_pool.py`` the calls of
several regions. ``module.py`` is the base of the modules: it checks the common options, calls the ``run()`` of a
package and reports its result.

``documents``, ``sessions`` and ``nodes`` are about what their names say, and each knows nothing of the others' options.
The files here know nothing of the three.
"""
