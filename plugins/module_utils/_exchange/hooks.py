# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The hooks of repositories that are pushed to an exchange host: short, of the shell alone, and the same in each."""

from __future__ import annotations

import shlex

# git has settings for branches that go back or are deleted, but none for tags that become others.
UPDATE = """\
#!/bin/sh
# Written by stackstorm.st2: a tag that was pushed stays what it is. Whoever has installed that version could not tell.
case "$1" in
  refs/tags/*) ;;
  *) exit 0 ;;
esac
case "$2" in
  *[!0]*) ;;
  *) exit 0 ;;
esac
echo "The tag ${1#refs/tags/} was pushed before, and is neither changed nor deleted. Push the next version." >&2
exit 1
"""
# The repository lies in ROOT/hosted, and is the working directory of its hooks.
_POST_RECEIVE = """\
#!/bin/sh
# Written by stackstorm.st2: the index is built again by what waits for this file.
branch=
while read -r old new ref; do
  case "$new" in
    *[!0]*) ;;
    *) continue ;;
  esac
  case "$ref" in
    refs/heads/main) branch=$ref ;;
    refs/heads/*) branch=${{branch:-$ref}} ;;
  esac
done
# Whoever clones gets the branch that was pushed first, where it is not called main.
if [ -n "$branch" ] && ! git rev-parse --quiet --verify HEAD >/dev/null; then
  git symbolic-ref HEAD "$branch"
fi
{{ true >>../../triggers/pushed; }} 2>/dev/null ||
  echo "The Exchange was not notified of this push. It is published by the next update."
echo {message}
"""


def post_receive(ref: str, url: str) -> str:
    """The hook that runs after a push.

    :arg url: The base of what is published.
    """
    message = f"{ref}: see the result of this push at {url.rstrip('/')}/status/{ref}.txt"
    return _POST_RECEIVE.format(message=shlex.quote(message))
