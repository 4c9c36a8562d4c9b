# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""The client layer that the collection's modules and plugins share.

``api.py`` has one function for each AWS operation. It reads every page and checks each reply (``replies.py``), so its
callers never meet a member of a wrong type. ``clients.py`` makes the boto3 clients. ``errors.py`` turns whatever
botocore raises into one sentence. ``fanout.py`` calls one function for many targets, and ``region_pool.py`` does so in
several regions. ``module.py`` is the base of the modules: it checks the common options, calls the ``run()`` of a
package and reports its result.

The packages ``documents``, ``sessions`` and ``nodes`` each handle the objects that they are named after. None depends
on the options of another. The files here depend on none of the three.
"""
