# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What C(git ls-remote) says: every branch and tag with its object, and the default branch."""

from __future__ import annotations

import typing as t

from .._process import ProgramError
from .._secrets import strip_urls
from .git_program import Git, fetch_failure

HEADS = "refs/heads/"
TAGS = "refs/tags/"
# What a name becomes that is no UTF-8: it could not be asked for.
_UNREADABLE = "\ufffd"


class RemoteRefs(t.NamedTuple):
    """The refs of a remote repository.

    :arg objects: By full name, the object of each branch and tag; names that are not UTF-8 are left out.
    :arg peeled: By full name, what tags lead to that are objects of their own.
    :arg default: Full name of the default branch; empty for a detached HEAD, and where the server does not say.
    :arg head: Commit of HEAD; C(None) when there is none.
    """

    objects: t.Dict[str, str]
    peeled: t.Dict[str, str]
    default: str = ""
    head: t.Optional[str] = None


def list_remote_refs(git: Git, url: str, *, environment: t.Optional[t.Mapping[str, str]] = None) -> RemoteRefs:
    """Ask a remote repository for its refs, without any content.

    :arg environment: More variables for git.
    :raises SourceError: when the repository cannot be reached.
    """
    try:
        arguments = ("ls-remote", "--quiet", "--symref", "--", url)
        return parse_remote_refs(git(*arguments, url=url, environment=environment).stdout)
    except ProgramError as error:
        raise fetch_failure(strip_urls(url), error, git.access) from error


def parse_remote_refs(listing: str) -> RemoteRefs:
    """The refs in what git answers."""
    found = RemoteRefs({}, {})
    for line in listing.split("\n"):  # Other ends of lines may be in names.
        value, _tab, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            found = found._replace(default=value[len("ref: ") :])
        elif name == "HEAD":
            found = found._replace(head=value)
        elif _UNREADABLE in name:
            continue
        elif name.endswith("^{}"):
            found.peeled[name[:-3]] = value
        elif name.startswith((HEADS, TAGS)):
            found.objects[name] = value
    return found
