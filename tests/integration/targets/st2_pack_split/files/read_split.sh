#!/usr/bin/env bash
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints what is in the repositories of ROOT/split: each ref with how many commits lead to it, and whether it has the
# files that the pack has in ROOT/many, at the tag that the ref stands for.

set -eu

export HOME="$1" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'

for ref in units weather; do
    repository="$1/split/$ref.git"
    [ -d "$repository" ] || continue
    git -C "$repository" for-each-ref --format='%(refname)' | while read -r name; do
        commit=HEAD
        case "$name" in refs/tags/*) commit="$ref/${name#refs/tags/}" ;; esac
        same=other
        if [ "$(git -C "$1/many" rev-parse "$commit:packs/$ref")" = "$(git -C "$repository" rev-parse "$name^{tree}")" ]; then
            same=same
        fi
        echo "$ref ${name#refs/} $(git -C "$repository" rev-list --count "$name") $same" | sed 's, heads/[^ ]*, head,'
    done
done
