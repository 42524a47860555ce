#!/usr/bin/env bash
# test/run.sh: `make test`.  Runs every part on private clusters and ends with one line: N passed, N failed, N skipped
# (test files; a part that has none is one skip).  Exit status 0 only when nothing failed.
#
#   FULL=1               adds the long parts (other languages, a second user, a server with assertions)
#   PARTS="regress tap"  runs these parts only
#   PG_CONFIG=...        the server to test against
#   COUNTS=, FAILURES=   for a run inside a run: where its three numbers go (instead of the closing line), and what failed
#
# What failed is kept in build/failed/ (differences, output, server log).
# shellcheck source-path=SCRIPTDIR source=cluster.sh
. "$(dirname "$0")/cluster.sh"
: "${FULL:=}" "${PARTS:=}" "${COUNTS:=}"
failures=${FAILURES:-$build/failed}
passed=0 failed=0 skipped=0 finished=

ok() { passed=$((passed + 1)); say "   ok       $1"; }
not_ok() { failed=$((failed + 1)); say "   FAILED   $1"; }
skip() { skipped=$((skipped + 1)); say "   skipped  $1: $2"; }

# part NAME COMMAND...: runs the function unless PARTS says otherwise, and prints how long it took.
part() {
	local name=$1 start=$SECONDS
	shift
	[ -z "$PARTS" ] || [[ " $PARTS " == *" $name "* ]] || return 0
	say "== $name"
	"$@"
	printf '== %s: %d min %02d s\n' "$name" $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60))
}

# The closing line comes also when something outside the tests went wrong; that counts as a failure.
at_exit() {
	[ -n "$finished" ] || failed=$((failed + 1))
	if [ -n "$COUNTS" ]; then
		say "$passed $failed $skipped" > "$COUNTS"
	else
		[ "$failed" = 0 ] || say "what failed is in $failures"
		say "$passed passed, $failed failed, $skipped skipped"
	fi
}

# keep NAME FILE...: puts what a failed test left where it outlives this run, and shows its end.
keep() {
	local dir=$failures/$1
	shift
	mkdir -p "$dir"
	cp -R "$@" "$dir" 2>/dev/null || true
	tail -n 60 "$1" | sed 's/^/      /'
}

list() { env -u MAKEFLAGS -u MAKELEVEL make -s --no-print-directory -C "$top" PG_CONFIG="$PG_CONFIG" "print-$1"; }

# ------------------------------------------------------------------------------------------- clusters for a part

# start_cluster NAME on|off: with the extension preloaded, or not.
start_cluster() {
	local lines
	mapfile -t lines < <(if [ "$2" = on ]; then cat "$top/test/hitl.conf"; else grep -v shared_preload "$top/test/hitl.conf"; fi)
	cluster_start "$1" "${lines[@]}"
}

# Signs of a fault that a test's own output does not show: a crash, a failed assertion, something not released.
bad_signs='TRAP:|PANIC:|terminated by signal|[a-z] leak|still (active|referenced)|do.?n.t own a lock|out of shared memory'

# Stops the part's cluster; that it stops, and that its log is clean, is a test of its own.
stop_cluster() {
	local log=$RUN/$1/log
	if ! cluster_stop "$1"; then
		not_ok "$1: the server stops within 30 s"
		keep "$1-stop" "$log"
	elif grep -nE "$bad_signs" "$log" > "$RUN/signs"; then
		not_ok "$1: a clean server log"
		keep "$1-log" "$RUN/signs" "$log"
	else
		ok "$1: a clean stop, a clean log"
	fi
}

# --------------------------------------------------------------------------------------------------------- parts

part_lint() {
	local script
	for script in "$top"/test/lint/*.sh; do
		[ "${script##*/}" != all.sh ] || continue
		if bash "$script" > "$RUN/lint.out" 2>&1; then ok "${script##*/}"; else not_ok "${script##*/}"; keep lint "$RUN/lint.out"; fi
	done
}

# regress NAME PROGRAM INPUT EXPECTED on|off TEST...: pg_regress and pg_isolation_regress want input and expected
# output side by side and write beside them, each major a little differently: they get a copy where all agree.
# LOAD: an extension, DATA: a folder beside the input, LAUNCHER: a command that each psql is run by.
regress() {
	local name=$1 program=$2 input=$3 expected=$4 workers=$5 line dir=$RUN/$1-files
	shift 5
	if [ $# = 0 ]; then skip "$name" "no tests are listed"; return; fi
	as_user mkdir "$dir"
	cp -R "$input" "$dir/"
	mkdir "$dir/expected"
	cp "$expected"/*.out "$dir/expected" || true
	if [ -n "${DATA:-}" ]; then cp -R "$DATA" "$dir/data"; fi
	start_cluster "$name" "$workers"
	(cd "$dir" && as_user "$PGXS_TEST/$program" --inputdir=. --outputdir=. --bindir="$BIN" --host="$PGHOST" --port="$PGPORT" \
		--user=postgres --dbname=regress ${LOAD:+--load-extension=$LOAD} ${LAUNCHER:+--launcher="$LAUNCHER"} "$@") > "$RUN/$name.out" 2>&1 || true
	# "test x ... ok" until 15, "ok 1 - x" from 16 on
	while read -r line; do
		case $line in
		"test "*" ok"*)	line=${line#test }; ok "$name/${line%% *}" ;;
		"test "*)		line=${line#test }; not_ok "$name/${line%% *}" ;;
		"ok "*" - "*)	line=${line#* - }; ok "$name/${line%% *}" ;;
		"not ok "*)		line=${line#* - }; not_ok "$name/${line%% *}" ;;
		*)				continue ;;
		esac
		shift
	done < "$RUN/$name.out"
	if [ $# != 0 ]; then not_ok "$name: $# tests did not run"; keep "$name" "$RUN/$name.out"; fi
	if [ -s "$dir/regression.diffs" ]; then keep "$name" "$dir/regression.diffs" "$dir/results" "$RUN/$name/log"; fi
	stop_cluster "$name"
}

part_regress() {
	# shellcheck disable=SC2046 # lists of names
	regress "$1" regress/pg_regress "$top/test/sql" "$top/expected" "$2" $(list "$3")
}

part_isolation() {
	# shellcheck disable=SC2046
	LOAD=hitl regress isolation isolation/pg_isolation_regress "$top/test/isolation/specs" "$top/test/isolation/expected" on $(list ISOLATION)
}

# pgtap NAME EXTENSIONS FILE...: each file by psql in a database of its own that has these extensions.
pgtap() {
	local name=$1 extensions=$2 file stem extension
	shift 2
	if [ ! -f "$1" ]; then skip "$name" "there are no tests"; return; fi
	start_cluster "$name" on
	as_user mkdir "$RUN/$name-files"
	for file; do
		stem=$(basename "$file" .sql)
		cp "$file" "$RUN/$name-files"
		psql -Xqc "CREATE DATABASE \"$stem\""
		for extension in $extensions; do psql -Xqd "$stem" -c "CREATE EXTENSION $extension"; done
		proved "$name/$stem" env PGDATABASE="$stem" prove -v --exec 'psql -XqAt -v ON_ERROR_STOP=1 -f' "$RUN/$name-files/$stem.sql"
	done
	stop_cluster "$name"
}

part_unit() { pgtap unit pgtap "$top"/test/unit/*.sql; }
part_pgtap() { pgtap pgtap 'pgtap hitl' "$top"/test/pgtap/*.sql; }

# proved NAME COMMAND...: one test file under prove; a hang is a failure after ten minutes.
proved() {
	local name=$1 out=$RUN/prove.out
	shift
	if ! as_user timeout -k 10 600 "$@" > "$out" 2>&1; then
		not_ok "$name"
		keep "$name" "$out" "$RUN/tap/tmp_check/log"
	elif grep -q '\.\. skipped: ' "$out"; then
		skip "$name" "$(sed -n 's/.*\.\. skipped: //p' "$out" | head -n 1)"
	else
		ok "$name"
	fi
}

# The TAP tests make their own clusters, from the private tree, with PostgreSQL's own Perl modules.
part_tap() {
	local file
	if [ ! -f "$(echo "$top"/test/tap/*.pl | cut -d' ' -f1)" ]; then skip tap "there are no tests"; return; fi
	cp -R "$top/test/tap" "$RUN/tap-files"
	for file in "$RUN"/tap-files/*.pl; do
		rm -rf "$RUN/tap"
		as_user mkdir "$RUN/tap"
		cd "$RUN/tap"
		proved "tap/$(basename "$file" .pl)" env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE -u PSQLRC \
			TESTDIR="$RUN/tap" TESTDATADIR="$RUN/tap/tmp_check" TESTLOGDIR="$RUN/tap/tmp_check/log" PG_TEST_TIMEOUT_DEFAULT=60 \
			PG_REGRESS="$PGXS_TEST/regress/pg_regress" prove -v -I "$PGXS_TEST/perl" -I "$RUN/tap-files" "$file"
		if grep -rlE 'TRAP:|[a-z] leak' "$RUN/tap/tmp_check/log" > "$RUN/signs" 2>/dev/null; then
			not_ok "tap/$(basename "$file" .pl): clean server logs"
			keep "tap-log" "$RUN/signs" "$RUN/tap/tmp_check/log"
		fi
		cd "$RUN"
	done
}

# Continue mode against the same programs run straight: the kept cases, and some random ones (more of them with FULL).
part_fuzz() {
	if COUNT=${FULL:+1000} bash "$top/test/fuzz/fuzz.sh" > "$RUN/fuzz.out" 2>&1; then ok "fuzz: $(tail -n 1 "$RUN/fuzz.out")"
	else not_ok fuzz; keep fuzz "$RUN/fuzz.out"; fi
}

# PL/pgSQL's own regression tests, of the server's source package: with hitl there they say what they say without it.  And
# again with hitl in PL/pgSQL's one place for a plugin: in each session a node has run in which another plugin came in front
# of hitl, which from then on calls hitl for each function and each statement.
part_plpgsql() {
	local source stem tests=()
	if [ -z "$FULL$PARTS" ]; then skip plpgsql "only with FULL=1"; return; fi
	if ! source=$(bash "$top/test/assert_server.sh" "$PG_MAJOR" tests); then skip plpgsql "${source:-no source of this server to be had}"; return; fi
	as_user mkdir "$RUN/plpgsql-source"
	cp -R "$source/sql" "$source/expected" "$source/data" "$top"/test/plugin/{plpgsql_begin.sql,launcher.sh} "$RUN/plpgsql-source"
	cp "$top/test/plugin/plpgsql_tables.sql" "$RUN/plpgsql-source/sql"
	head -n 1 "$top/test/plugin/plpgsql_tables.sql" > "$RUN/plpgsql-source/expected/plpgsql_tables.out"
	for stem in "$RUN"/plpgsql-source/sql/*.sql; do
		stem=$(basename "$stem" .sql)
		[ "$stem" = plpgsql_tables ] || tests+=("$stem")
	done
	DATA=$RUN/plpgsql-source/data LOAD=hitl regress plpgsql regress/pg_regress "$RUN/plpgsql-source/sql" "$RUN/plpgsql-source/expected" on plpgsql_tables "${tests[@]}"
	DATA=$RUN/plpgsql-source/data LOAD=hitl LAUNCHER="bash $RUN/plpgsql-source/launcher.sh $RUN/plpgsql-source/plpgsql_begin.sql" \
		regress plpgsql-plugin regress/pg_regress "$RUN/plpgsql-source/sql" "$RUN/plpgsql-source/expected" on plpgsql_tables "${tests[@]}"
}

# Masks what may differ: times, and which of the threads that ran side by side was the first to ask.
mask() {
	sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(\+[0-9]{2})?/<time>/g' \
		-e 's/^[0-9]+(\|[0-9]+\|refund\|)/<id>\1/' -e 's/(at <time>: )(approve|edit|reject|respond)\./\1<type>./'
}

# The issue's script, verbatim, by psql in a new database: with the workers on; and without preload, with a
# `CALL hitl.run_pending()` before each line of waits.  Both print the same.
part_acceptance() {
	local file workers stem out
	if [ ! -f "$(echo "$top"/test/acceptance/*.sql | cut -d' ' -f1)" ]; then skip acceptance "there is no script"; return; fi
	for workers in on off; do
		start_cluster "acceptance-$workers" "$workers"
		for file in "$top"/test/acceptance/*.sql; do
			stem=$(basename "$file" .sql) out=$RUN/$(basename "$file" .sql)-$workers.out
			psql -Xqc "CREATE DATABASE \"$stem\""
			if [ "$workers" = on ]; then cat "$file"; else sed 's/^SELECT hitl\.wait(/CALL hitl.run_pending();\n&/' "$file"; fi |
				PGOPTIONS="-c client_min_messages=$([ $workers = on ] && echo notice || echo warning)" psql -XqAt -d "$stem" 2>&1 |
				mask > "$out"
			if diff -u "${file%.sql}.out" "$out" > "$out.diff"; then ok "acceptance/$stem, workers $workers"
			else not_ok "acceptance/$stem, workers $workers"; keep "acceptance-$stem-$workers" "$out.diff" "$out" "$RUN/acceptance-$workers/log"; fi
		done
		if [ "$workers" = on ]; then readme; fi
		stop_cluster "acceptance-$workers"
	done
}

# What a reader of the README types first, as it stands there (pg_cron is not there): no statement fails, and a refund
# that two have agreed to is paid.
readme() {
	local sql=$RUN/readme.sql out=$RUN/readme.out
	awk '/^## /{ on = /Two minutes|review desk/ } /^```/{ block = on && /sql/; next } block && !/cron\.schedule/' "$top/README.md" > "$sql"
	psql -Xqc 'CREATE DATABASE readme'
	if psql -XqAt -v ON_ERROR_STOP=1 -d readme -f "$sql" > "$out" 2>&1 &&
		[ "$(psql -XqAt -d readme -c "SELECT string_agg(amount::text, ' ' ORDER BY amount) FROM refunds")" = '4000 9000' ]; then ok acceptance/README
	else not_ok acceptance/README; keep acceptance-readme "$out" "$sql" "$RUN/acceptance-on/log"; fi
}

# The demo ends well, within a minute, and leaves neither a process nor a file.
part_demo() {
	local start=$SECONDS
	demo "$top/test/demo/demo.sh" </dev/null
	[ $((SECONDS - start)) -lt 60 ] || not_ok "demo: took $((SECONDS - start)) s"
	demo "$top/test/demo/demo.sh" --psql <<<'SELECT count(*) FROM refunds;'
}

demo() {
	local name="demo${2:+ $2}" left
	if ! NOTE=$RUN/note bash "$@" > "$RUN/demo.out" 2>&1; then not_ok "$name"; keep demo "$RUN/demo.out"; return; fi
	left=$(while read -r folder; do find "$folder" -maxdepth 0 2>/dev/null || true; done < "$RUN/note"
		grep -lsF -f "$RUN/note" /proc/[0-9]*/cmdline || true)
	if [ -n "$left" ]; then not_ok "$name: leaves behind" "$left"; else ok "$name: ends well, leaves nothing behind"; fi
}

# ------------------------------------------------------------------------------------------------- parts of FULL

# The same nodes in the other languages, where the server has them (packages: see below, before the build).
part_languages() {
	local language
	for language in plpython3u plperl; do
		if [ ! -f "$TREE$(pg --sharedir)/extension/$language.control" ]; then skip languages "this server has no $language"; return; fi
	done
	part_regress languages on REGRESS_LANGUAGES
}

# nested NAME COUNTS COMMAND...: another run of this script, its numbers (in the file COUNTS) added to ours.
nested() {
	local name=$1 counts=$2 p f s
	shift 2
	env FULL= COUNTS="$counts" FAILURES="$failures/$name" "$@" | sed "s/^/[$name] /" || true
	if [ -f "$counts" ] && read -r p f s < "$counts"; then
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	else
		not_ok "$name: did not run"
	fi
}

# The core again on a server built with assertions, which catches what a release build hides.
part_assert() {
	local config
	if "$PG_CONFIG" --configure | grep -q -- --enable-cassert; then skip assert "this server has assertions already"; return; fi
	if ! config=$(bash "$top/test/assert_server.sh" "$PG_MAJOR"); then skip assert "${config:-no source of this server to be had}"; return; fi
	nested assert "$RUN/assert-counts" env PG_CONFIG="$config" PARTS="unit regress plain isolation pgtap tap fuzz plpgsql acceptance" bash "$top/test/run.sh"
}

# As root, the tests above ran the server as another user; here a user does everything, from a copy of the checkout, and
# one that is not called postgres: nothing may count on that name.
part_unprivileged() {
	local dir=$RUN/unprivileged group
	if [ "$(id -u)" != 0 ]; then skip unprivileged "everything ran without root already"; return; fi
	group=$(id -gn nobody)
	chmod 711 "$RUN"
	mkdir "$dir"
	tar -C "$top" -cf - --exclude=./build --exclude=./.git --exclude='*.o' --exclude='*.so' . | tar -C "$dir" -xf -
	chown -R "nobody:$group" "$dir"
	nested unprivileged "$dir/counts" setpriv --reuid=nobody --regid="$group" --clear-groups \
		env HOME="$dir" PARTS="tap acceptance demo" FAILURES="$dir/failed" bash "$dir/test/run.sh"
	cp -R "$dir/failed" "$failures/unprivileged"
}

# A few seconds of `make bench`, to see that it runs and that its own checks of correctness hold.
part_bench() {
	if ROUNDS=1 THREADS=80 DECISIONS=20 LINES=80 STEPS=100 bash "$top/test/bench/bench.sh" > "$RUN/bench.out" 2>&1 &&
		ROUNDS=1 CALLS=20 TURNS=10000 bash "$top/test/bench/continue.sh" > "$RUN/bench.out" 2>&1; then ok bench
	else not_ok bench; keep bench "$RUN/bench.out"; fi
}

# ---------------------------------------------------------------------------------------------------------------

rm -rf "$failures"
mkdir -p "$failures"
need_packages test
for name in cron plpgsql-check pldebugger; do want_packages "postgresql-$PG_MAJOR-$name"; done
if [ -n "$FULL" ]; then want_packages "postgresql-plpython3-$PG_MAJOR" "postgresql-plperl-$PG_MAJOR" bzip2 bison flex; fi
make_run_folder
start=$SECONDS
say "hitl on $(pg --version), as $(id -un), server as $RUN_USER"
build_and_install
add_pgtap
say "built with -Wall -Wextra -Werror in $((SECONDS - start)) s"

part lint part_lint
part unit part_unit
part regress part_regress regress on REGRESS
part plain part_regress plain off REGRESS_PLAIN
part isolation part_isolation
part pgtap part_pgtap
part tap part_tap
part fuzz part_fuzz
part plpgsql part_plpgsql
part acceptance part_acceptance
part demo part_demo
if [ -n "$FULL" ]; then
	part languages part_languages
	part bench part_bench
	part unprivileged part_unprivileged
	part assert part_assert
else
	for name in languages bench unprivileged assert; do [ -n "$PARTS" ] || skip "$name" "only with FULL=1"; done
fi
finished=yes
[ "$failed" = 0 ]
