#!/bin/sh
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# "routes.sh proxy": from now on this host reaches the proxy and no other server, so what it gets has come from there.
# "routes.sh none": not even the proxy. Names are still resolved, and who has come from outside gets an answer.
# "routes.sh all": as it was.
set -eu

saved=/run/molecule-routes
case $1 in
proxy|none)
    [ ! -e "$saved" ] || exit 0
    # The name service and who comes from outside are at the gateway.
    gateway=$(ip route show default | sed 's/.* via \([^ ]*\).*/\1/')
    device=$(ip route show default | sed 's/.* dev \([^ ]*\).*/\1/')
    proxy=$(getent ahostsv4 proxy.example.test | sed -n '1s/ .*//p')
    ip route save > "$saved.new"
    ip route replace "$gateway" dev "$device"
    [ "$1" = none ] || ip route replace "$proxy" dev "$device"
    for network in $(ip route show scope link dev "$device" | sed -n 's/^\([^ ]*\/[0-9]*\) .*/\1/p'); do
        ip route delete "$network" dev "$device"
    done
    ip route delete default
    ip route add unreachable default
    mv "$saved.new" "$saved"
    ;;
all)
    [ -e "$saved" ] || exit 0
    ip route flush table main
    ip route restore < "$saved"
    rm "$saved"
    ;;
esac
