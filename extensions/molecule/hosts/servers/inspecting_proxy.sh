#!/bin/sh
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A proxy that opens TLS and closes it again with certificates of its own, as in many companies. The authority that
# clients have to trust is /srv/inspecting/ca.pem. The servers behind it are checked against /srv/upstream.pem.
set -eu

cd /srv
mkdir -p inspecting/certificates
if [ ! -e inspecting/ca.pem ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=Authority of the inspecting proxy' \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout inspecting/ca.key -out inspecting/new.pem 2> /dev/null
    openssl genrsa -out inspecting/signing.key 2048 2> /dev/null
    mv inspecting/new.pem inspecting/ca.pem
fi
exec /opt/servers/bin/proxy --hostname 0.0.0.0 --port 3129 --num-workers 1 --num-acceptors 1 \
    --ca-key-file inspecting/ca.key --ca-cert-file inspecting/ca.pem --ca-signing-key-file inspecting/signing.key \
    --ca-cert-dir inspecting/certificates --ca-file upstream.pem --log-file /var/log/inspecting-proxy.log
