#!/usr/bin/env bash
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Makes below ROOT a directory that is laid out as a StackStorm host, with one of StackStorm's own packs; ordinary
# repositories of the packs "weather" and "units" with the releases v1.0.0 and v1.1.0 each, of which "weather" depends on
# "units"; and an index of them. It is one program since each module that Ansible runs takes half a second.

set -eu
umask 022

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

stackstorm="$1/opt/stackstorm"
mkdir -p "$1/etc/st2" "$stackstorm/packs/core" "$stackstorm/virtualenvs" "$stackstorm/configs" "$stackstorm/overrides"
cat > "$1/etc/st2/st2.conf" << CONF
[system]
base_path = $stackstorm
[content]
system_packs_base_path = $stackstorm/packs
pack_group =
index_url = file://$1/index.json
CONF
cat > "$stackstorm/packs/core/pack.yaml" << PACK
name: core
description: Basic core actions
version: 3.9.0
author: StackStorm, Inc.
email: info@stackstorm.com
PACK

entry() {  # ref, dependencies
    cat << ENTRY
    "$1": {
      "ref": "$1", "name": "$1", "version": "1.1.0", "versions": ["1.1.0", "1.0.0"],
      "repo_url": "file://$root/repositories/stackstorm-$1"$2
    }
ENTRY
}

root="$1"
cat > "$1/index.json" << INDEX
{
  "metadata": {"generated_ts": 1770000000, "hash": "d41d8cd98f00b204e9800998ecf8427e"},
  "packs": {
$(entry weather ', "dependencies": ["units"]'),
$(entry units '')
  }
}
INDEX
