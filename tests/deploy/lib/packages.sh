# What the tests of this folder have in common: how they install what they need, and how they end without it.
# shellcheck shell=bash

readonly START_POLICY=/usr/sbin/policy-rc.d

skip() {
    echo "skipped: $1"
    exit 0
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$@" >&2
    exit 1
}

# PACKAGES holds a package and a file that proves that it is there, each: quicker than asking dpkg.
missing_packages() {
    local entry
    for entry in "${PACKAGES[@]}"; do
        [[ -e ${entry#*:} ]] || printf '%s\n' "${entry%%:*}"
    done
}

# Packages start their services; only the programs are wanted. A policy that is there already is respected.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null || skip "missing ${missing[*]}, and there is no apt-get to install it with"
    ((EUID == 0)) || skip "installing ${missing[*]} takes root"
    if [[ ! -e $START_POLICY ]]; then
        trap 'rm -f "$START_POLICY"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$START_POLICY"
        chmod +x "$START_POLICY"
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=600 --no-install-recommends \
        "${missing[@]}" >/dev/null
    [[ -z $(trap -p EXIT) ]] || rm -f "$START_POLICY"
    trap - EXIT
}
