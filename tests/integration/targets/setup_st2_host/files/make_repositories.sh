#!/usr/bin/env bash
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Makes ROOT/repositories/stackstorm-weather and -units: ordinary repositories of packs with two releases each.

set -eu

export HOME="$1" GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=Tester GIT_AUTHOR_EMAIL=tester@example.com
export GIT_COMMITTER_NAME=Tester GIT_COMMITTER_EMAIL=tester@example.com

release() {  # directory, ref, version, dependencies, action
    mkdir -p "$1/actions"
    cat > "$1/pack.yaml" << PACK
ref: $2
name: $2
description: The pack $2
version: $3
author: Tester
email: tester@example.com
python_versions: ["3"]
dependencies: [$4]
PACK
    cat > "$1/actions/$5.yaml" << ACTION
name: $5
runner_type: local-shell-cmd
entry_point: ""
parameters:
  cmd: {immutable: true, default: "echo $2 $3"}
ACTION
    git -C "$1" add --all
    git -C "$1" commit --quiet --message "Release $3"
    git -C "$1" tag "v$3"
}

for ref in weather units; do
    directory="$1/repositories/stackstorm-$ref"
    mkdir -p "$directory"
    git -C "$directory" init --quiet
    dependencies=""
    if [ "$ref" = weather ]; then
        dependencies=units
    fi
    release "$directory" "$ref" 1.0.0 "$dependencies" first
    release "$directory" "$ref" 1.1.0 "$dependencies" second
done
