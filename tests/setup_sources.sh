#!/bin/bash
# tools/setup derives the next suite's apt sources from the machine's own, whatever
# form they have, and leaves out what is not the distribution's main part.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=../tools/setup
. "$here/tools/setup"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

expect() {
	if [[ $2 != "$3" ]]; then
		printf '%s\nexpected:\n%s\ngot:\n%s\n' "$1" "$3" "$2" >&2
		exit 1
	fi
}

cat >"$folder/one.list" <<'LIST'
# a comment
deb http://mirror.invalid/debian bookworm main contrib # the base
deb-src http://mirror.invalid/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.invalid/debian-security bookworm-security main
deb http://mirror.invalid/debian bookworm-updates main
deb http://mirror.invalid/debian bookworm-backports main
deb cdrom:[Debian]/ bookworm main
deb http://other.invalid/apt bookworm stable
LIST
expect "one-line sources" "$(rewrite_lines bookworm trixie "$folder/one.list")" \
	"deb [arch=amd64 signed-by=/k.gpg] http://mirror.invalid/debian-security trixie-security main
deb http://mirror.invalid/debian trixie main
deb-src [arch=amd64 signed-by=/k.gpg] http://mirror.invalid/debian-security trixie-security main
deb-src http://mirror.invalid/debian trixie main"

cat >"$folder/two.sources" <<'SOURCES'
Types: deb
# a comment
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://off.invalid/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.invalid/debian-security
Suites: oldstable-security
Components: main
Signed-By: /k.gpg

Types: deb
URIs: http://other.invalid/apt
Suites: nodistro
Components: main
SOURCES
expect "deb822 sources" "$(rewrite_deb822 bookworm trixie "$folder/two.sources")" \
	"Types: deb deb-src
URIs: http://mirror.invalid/debian
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb deb-src
URIs: http://mirror.invalid/debian-security
Suites: trixie-security
Components: main
Signed-By: /k.gpg"
