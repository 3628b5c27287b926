#!/bin/sh
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Run in a host when it starts: wait for systemd, let the key on standard input in, print the host's own.
set -eu

# Hosts have the addresses that their network gives them, whatever the file of the machine says, which engines copy.
grep -v '[.]example[.]test' /etc/hosts > /run/hosts
cat /run/hosts > /etc/hosts
# On a machine, mounts of systemd are seen everywhere. Without that, units get no credentials. A host that may not mount
# does without both.
mount --make-rshared / 2> /dev/null || :
# "degraded" is a host that is up but for a service, which a scenario will find out.
until [ "$(systemctl is-system-running)" = running ] || [ "$(systemctl is-system-running)" = degraded ]; do
    sleep 0.1
done
umask 077
mkdir -p /root/.ssh
cat > /root/.ssh/authorized_keys
ssh-keygen -A > /dev/null
systemctl start ssh
cat /etc/ssh/ssh_host_ed25519_key.pub
