#!/usr/bin/env bash
# test/assert_server.sh MAJOR: prints the pg_config of a server with assertions, built once into build/ from
# Debian's own source package.  Needs no root: apt works on lists and a cache of its own under build/, from a copy of
# the machine's package sources that says deb-src.  On failure the reason is printed and the status is not 0.
#
# test/assert_server.sh MAJOR tests: prints a folder with PL/pgSQL's own regression tests (sql, expected, data), taken
# once from the same package; nothing is built.
set -euo pipefail
umask 022
major=$1
build=$(cd "$(dirname "$0")/.." && pwd -P)/build
what=${2:-server}
prefix=$build/assert-$major
tests=$build/plpgsql-$major
work=$build/source-$major
log=$build/assert-$major.log

if [ "$what" = tests ]; then
	log=$build/plpgsql-$major.log
	work=$build/tests-$major
	if [ -f "$tests/complete" ]; then echo "$tests"; exit; fi
elif [ -f "$prefix/complete" ]; then echo "$prefix/bin/pg_config"; exit; fi
mkdir -p "$work/sources" "$work/state/lists/partial" "$work/cache/archives/partial"
exec 3>&1 > "$log" 2>&1
give_up() { echo "$1 (see $log)" >&3; exit 1; }
need() { command -v "$1" || give_up "needs $1"; }
need apt-get
need bzip2

# 1. the source, in the newest version that can be had: a mirror may list one and not have it
for file in /etc/apt/sources.list.d/*.sources; do
	[ ! -f "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" > "$work/sources/${file##*/}"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ ! -f "$file" ] || sed -n 's/^deb /deb-src /p' "$file" > "$work/sources/$(basename "$file" .list).list"
done
apt=(-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" -o Dir::State="$work/state"
	-o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$work/cache" -o APT::Sandbox::User=)
apt-get "${apt[@]}" update || true
cd "$work"
for version in $(apt-cache "${apt[@]}" showsrc "postgresql-$major" | sed -n 's/^Version: //p' | sort -Vru); do
	apt-get "${apt[@]}" source --tar-only --download-only "postgresql-$major=$version" && break
done
tarball=$(find . -maxdepth 1 -name 'postgresql-*.orig.tar.*' ! -name '*.asc' | sort -V | tail -n 1)
[ -n "$tarball" ] || give_up "the source of postgresql-$major cannot be downloaded"
tar -xf "$tarball"
cd "$work/$(tar -tf "$tarball" | sed -n '1s,/.*,,p')"

if [ "$what" = tests ]; then
	rm -rf "$tests"
	mkdir "$tests"
	cp -R src/pl/plpgsql/src/sql src/pl/plpgsql/src/expected src/pl/plpgsql/src/data "$tests"
	cp src/test/regress/sql/plpgsql.sql "$tests/sql"
	cp src/test/regress/expected/plpgsql*.out "$tests/expected"
	cp src/test/regress/data/tenk.data "$tests/data"
	touch "$tests/complete"
	cd "$build"
	rm -rf "$work"
	echo "$tests" >&3
	exit
fi

# 2. the build; from 17 on the tarball needs bison and flex, and there are injection points
options=(--enable-cassert --enable-debug --enable-tap-tests --without-icu --without-readline --without-zlib)
if [ "$major" -ge 17 ]; then
	options+=(--enable-injection-points)
	need bison
	need flex
fi
rm -rf "$prefix"
./configure --prefix="$prefix" "${options[@]}" CFLAGS='-O1 -g' || give_up "configure failed"
env -u MAKEFLAGS -u MAKELEVEL make -s -j "$(nproc)" all || give_up "the build failed"
env -u MAKEFLAGS -u MAKELEVEL make -s install || give_up "the installation failed"
touch "$prefix/complete"
cd "$build"
rm -rf "$work"
echo "$prefix/bin/pg_config" >&3
