# shellcheck shell=bash disable=SC2034 # what it sets is used by those who source it
# test/cluster.sh: the shell library under every target that needs a server.  Source it; it does nothing by itself.
#
#   need_packages run|test   what is missing is installed (root on Debian) or named in one message
#   build_and_install    builds out of the way and makes $TREE, a private copy of the server with hitl in it
#   cluster_start NAME [LINE...]   a private cluster with these lines of configuration; cluster_stop NAME
#   as_user CMD...       runs CMD as the unprivileged user that the server runs as
#
# Nothing outside the checkout's build/ and two fresh folders under /tmp is written; both go away on any exit, and
# with them every server that was started here.  A server is stopped through its own data folder, never by a name.
# PostgreSQL finds its share folder relative to its binary, so the copy keeps the three folders where pg_config has
# them, below $TREE, which is then also the DESTDIR of `make install`.

set -euo pipefail
umask 022
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$top/build
HITL_STARTED=()       # data folders of servers that are ours to stop
unset PGDATABASE PGSERVICE PGSERVICEFILE PGOPTIONS PGPASSFILE PGHOSTADDR PGSSLMODE PGDATA PGAPPNAME PGCLIENTENCODING PGTZ
export LC_ALL=C PSQLRC=/dev/null PGUSER=postgres PGPORT=5432 PGDATABASE=postgres

say() { printf '%s\n' "$*"; }
die() { printf 'hitl: %s\n' "$*" >&2; exit 1; }

# --------------------------------------------------------------------------------------------------- packages

pg() { "$PG_CONFIG" "$1"; }
is_debian() { [ -f /etc/debian_version ] && command -v apt-get >/dev/null; }

# The pg_config to use: the one asked for; else the newest complete one of Debian's.
find_pg_config() {
	local found
	case ${PG_CONFIG:=pg_config} in
	pg_config)
		found=$(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -V | tail -n 1)
		[ ! -x "$found" ] || PG_CONFIG=$found ;;
	/usr/lib/postgresql/*) ;;                        # Debian's, and need_packages can get it
	*) [ -x "$PG_CONFIG" ] || die "PG_CONFIG=$PG_CONFIG is not there" ;;
	esac
	PG_CONFIG=$(command -v "$PG_CONFIG" || printf '%s' "$PG_CONFIG")
	export PG_CONFIG
}

# The major version whose packages we want: that of PG_CONFIG, else the one this Debian calls `postgresql`.
wanted_major() {
	if [ -x "$PG_CONFIG" ] && [ -x "$(pg --bindir)/postgres" ]; then
		pg --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/'
	else
		case $PG_CONFIG in
		/usr/lib/postgresql/*) printf '%s' "$PG_CONFIG" | cut -d/ -f5 ;;
		*) apt-cache depends postgresql 2>/dev/null | sed -nE 's/.*Depends: postgresql-([0-9]+)$/\1/p' | head -n 1 ;;
		esac
	fi
}

# What is missing for building and running (and, with "test", for testing), as names of packages.
missing_packages() {
	local major=$1 for_what=$2
	command -v gcc >/dev/null || say gcc libc6-dev
	command -v make >/dev/null || say make
	if [ ! -x "$PG_CONFIG" ] || [ ! -x "$(pg --bindir)/initdb" ]; then say "postgresql-$major"; fi
	# Debian's server package has pgxs.mk itself: the headers tell
	if [ ! -x "$PG_CONFIG" ] || [ ! -f "$(pg --includedir-server)/postgres.h" ]; then say "postgresql-server-dev-$major"; fi
	if [ "$for_what" = test ]; then
		perl -MTest::More -e1 2>/dev/null || say perl
		perl -MIPC::Run -e1 2>/dev/null || say libipc-run-perl
		if [ -z "$(pgtap_dir "$major")" ]; then say "postgresql-$major-pgtap"; fi
	fi
}

# Where pgTAP's files are: it is plain SQL, so another server of the same major can use Debian's copy.
pgtap_dir() {
	local dir
	for dir in "$([ -x "$PG_CONFIG" ] && pg --sharedir)" "/usr/share/postgresql/$1"; do
		if [ -f "$dir/extension/pgtap.control" ]; then say "$dir/extension"; return; fi
	done
}

# apt-get install by name.  A postgresql-common that arrives with it must not create or start a cluster: it reads
# this drop-in, which goes away again, so that the machine's own default stays as it was.
apt_install() {
	local conf=/etc/postgresql-common/createcluster.d/hitl-build.conf log=$build/apt.log
	say "installing: $*"
	mkdir -p "$build" "${conf%/*}"
	say 'create_main_cluster = false' > "$conf"
	if ! { apt-get update && DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
		apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@"; } > "$log" 2>&1; then
		rm -f "$conf"
		tail -n 20 "$log" >&2
		die "apt-get could not install: $*"
	fi
	rm -f "$conf"
}

# need_packages run|test: afterwards PG_CONFIG is that of a complete server, or we are gone with one clear message.
need_packages() {
	local for_what=$1 major missing
	find_pg_config
	major=$(wanted_major)
	if [ -z "$major" ] && is_debian && [ "$(id -u)" = 0 ]; then
		apt-get update >/dev/null 2>&1 || true       # a fresh machine has no lists yet
		major=$(wanted_major)
	fi
	missing=$(missing_packages "${major:-NN}" "$for_what" | tr '\n' ' ')
	if [ -n "$missing" ]; then
		if ! is_debian || [ "$(id -u)" != 0 ]; then
			die "missing: ${missing% }.  On Debian, as root: apt-get install $missing(or set PG_CONFIG to another server's pg_config)"
		fi
		# shellcheck disable=SC2086 # a list of names
		apt_install $missing
		[ -x "$PG_CONFIG" ] || PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config
		missing=$(missing_packages "$major" "$for_what" | tr '\n' ' ')
		[ -z "$missing" ] || die "still missing after apt-get install: $missing"
	fi
	PG_MAJOR=$major
	[ "$PG_MAJOR" -ge 15 ] || die "$PG_CONFIG is PostgreSQL $PG_MAJOR; hitl needs 15 or later"
}

# want_packages NAME...: those that a skip can do without; got when that is easy.
want_packages() {
	local name missing=()
	is_debian && [ "$(id -u)" = 0 ] || return 0
	for name; do dpkg -s "$name" >/dev/null 2>&1 || missing+=("$name"); done
	[ ${#missing[@]} = 0 ] || (apt_install "${missing[@]}") || true
}

# -------------------------------------------------------------------------------------------- user and folders

# Runs a command as the server's user.  HOME is the run folder: psql's history and the like stay inside.
as_user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid="$RUN_USER" --regid="$RUN_GROUP" --init-groups env HOME="$RUN" USER="$RUN_USER" LOGNAME="$RUN_USER" "$@"
	else
		HOME=$RUN "$@"
	fi
}

# Makes $RUN (everything of this run) and $SOCKETS (short path: a socket's may not exceed 107 bytes).  $RUN lies in
# build/ unless the unprivileged user cannot get there, as below a folder of mode 0700; then under /tmp.
make_run_folder() {
	RUN_USER=$(id -un) RUN_GROUP=$(id -gn)
	if [ "$(id -u)" = 0 ]; then
		RUN_USER=postgres
		id -u "$RUN_USER" >/dev/null 2>&1 || RUN_USER=nobody
		RUN_GROUP=$(id -gn "$RUN_USER")
	fi
	mkdir -p "$build" 2>/dev/null || true
	[ -w "$build" ] || die "cannot write to $build (made by another user?)"
	SOCKETS=$(mktemp -d /tmp/hitl.XXXXXX)
	RUN=$(mktemp -d "$build/run.XXXXXX")
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	chown "$RUN_USER:$RUN_GROUP" "$RUN" "$SOCKETS"
	if ! as_user test -w "$RUN/." 2>/dev/null; then
		rmdir "$RUN"
		RUN=$SOCKETS
	fi
	if [ -n "${NOTE:-}" ]; then say "$RUN
$SOCKETS" > "$NOTE"; fi      # for a test that looks for what we leave behind
	cd "$RUN"
}

at_exit() { :; }       # for the sourcing script to redefine: runs first of all

cleanup() {
	local status=$? data
	trap - EXIT
	trap '' INT TERM HUP
	at_exit
	for data in ${HITL_STARTED[@]+"${HITL_STARTED[@]}"}; do
		[ -f "$data/postmaster.pid" ] && as_user "$BIN/pg_ctl" -D "$data" -m immediate -w stop >/dev/null 2>&1
	done
	cd "$top"
	rm -rf "$RUN" "$SOCKETS"
	exit "$status"
}

# ------------------------------------------------------------------------------------- build and private server

# Builds in build/obj-*, one folder per server and set of flags, so that nothing is ever linked from two of them and
# the checkout stays clean; then $TREE.  A second run in the same checkout waits its turn.
build_and_install() {
	copy_server
	( flock 9; build_in_order ) 9> "$build/lock"
}

build_in_order() {
	local key obj
	key=$( { pg --version; pg --pgxs; say "${COPT:-}"; } | cksum | cut -d' ' -f1)
	obj=$build/obj-$PG_MAJOR-$key
	mkdir -p "$obj/src" "$obj/test/unit"
	rm -rf "$obj"/src/*.[ch] "$obj"/sql "$obj"/tools "$obj"/test/unit/*.c
	cp -Rp "$top/Makefile" "$top/hitl.control" "$top/sql" "$top/tools" "$obj"
	cp -p "$top"/src/*.[ch] "$top"/src/*.map "$obj/src"
	if [ -f "$top/test/unit/hitl_test.c" ]; then cp -p "$top"/test/unit/*.c "$obj/test/unit"; fi
	make_in "$obj" all
	make_in "$obj" install DESTDIR="$TREE"
	build_sample hooks "$obj"
	build_sample plugin "$obj"
	if [ -f "$obj/test/unit/hitl_test.c" ]; then
		make_in "$obj" hitl_test.so
		cp "$obj/hitl_test.so" "$TREE$(pg --pkglibdir)"
	fi
}

# Libraries that only tests load: the sample of an extension that uses hitl.h, built as its users would, from the
# installed header; and another user of PL/pgSQL's plugin slot.
build_sample() {
	local from=$top/test/$1 dir=$2/test/$1
	[ -d "$from" ] || return 0
	mkdir -p "$dir"
	cp -p "$from"/* "$dir"
	make_in "$dir" all HITL_INCLUDE="$TREE$(pg --includedir-server)"
	make_in "$dir" install DESTDIR="$TREE"
}

make_in() {
	local dir=$1
	shift
	env -u MAKEFLAGS -u MAKELEVEL make -s --no-print-directory -C "$dir" -j "$(nproc)" WERROR=1 PG_CONFIG="$PG_CONFIG" "$@" \
		> "$dir/make.log" 2>&1 || { cat "$dir/make.log" >&2; die "make $1 failed"; }
}

# $TREE: bin, lib and share of the server at their own relative places, without what running it does not need.
# Puts its bin first on PATH, so that psql and friends are the private ones.
copy_server() {
	local dir lib
	TREE=$RUN/tree
	mkdir -p "$TREE"
	for dir in "$(pg --bindir)" "$(pg --pkglibdir)" "$(pg --sharedir)"; do
		tar -C / -cf - --exclude='*/bitcode' --exclude='*/man' --exclude='*/doc' --exclude='*.a' "${dir#/}" | tar -C "$TREE" -xf -
	done
	lib=$(pg --libdir)
	case $lib in
	/usr/lib*|/lib*) ;;
	*)	# a server with a prefix of its own brings its own libpq, which our user may not be able to reach there
		mkdir -p "$TREE$lib"
		cp -a "$lib"/libpq.so* "$TREE$lib"
		export LD_LIBRARY_PATH=$TREE$lib ;;
	esac
	BIN=$TREE$(pg --bindir)
	PGXS_TEST=$TREE$(cd "$(dirname "$(pg --pgxs)")/.." && pwd)/test
	export PATH=$BIN:$PATH
}

# pgTAP for a server that was not installed with it.
add_pgtap() {
	local extension
	extension=$TREE$(pg --sharedir)/extension
	[ -f "$extension/pgtap.control" ] || cp "$(pgtap_dir "$PG_MAJOR")"/pgtap* "$extension"
}

# --------------------------------------------------------------------------------------------------- clusters

# cluster_start NAME [LINE...]: no TCP, own data and socket folder; from here on psql and friends talk to it.
cluster_start() {
	local name=$1 data=$RUN/$1/data line
	shift
	as_user mkdir -p "$RUN/$name" "$SOCKETS/$name"
	as_user "$BIN/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C --no-sync > "$RUN/initdb.log" 2>&1 \
		|| { cat "$RUN/initdb.log" >&2; die "initdb failed"; }
	for line in "listen_addresses = ''" "unix_socket_directories = '$SOCKETS/$name'" "timezone = 'UTC'" "$@"; do
		say "$line"
	done | as_user tee -a "$data/postgresql.conf" >/dev/null
	HITL_STARTED+=("$data")
	as_user "$BIN/pg_ctl" -D "$data" -l "$RUN/$name/log" -t 60 -w start > /dev/null \
		|| { cat "$RUN/$name/log" >&2; die "the server did not start"; }
	cluster_use "$name"
}

cluster_use() { export PGHOST=$SOCKETS/$1; CLUSTER_LOG=$RUN/$1/log; }

# A stop that hangs is a fault of ours (a process of the extension that does not leave): it fails after 30 seconds.
cluster_stop() { as_user "$BIN/pg_ctl" -D "$RUN/$1/data" -m fast -t 30 -w stop > /dev/null; }
