#!/usr/bin/env bash
# test/lint/names.sh: names that must not meet, lists that must be complete, words that the install script must not use.
set -euo pipefail
cd "$(dirname "$0")/../.."
shopt -s nullglob
status=0
list() { sed -n -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' -e "s/^$1 *= *//p" Makefile; }
wrong() { echo "$1: $2"; status=1; }
stem() { local name=${1##*/}; echo "${name%.*}"; }
listed() { [[ " $1 " == *" $2 "* ]]; }

# 1. pg_regress looks in ./sql before test/sql, and in ./expected for the races too: no stem may mean two things.
for file in sql/*.sql; do
	[[ ${file#sql/} =~ ^([0-9][0-9]_[a-z_]+|hitl--[0-9.]+--[0-9.]+)\.sql$ ]] || wrong "$file:1" "a definition file is named NN_noun.sql"
done
for file in test/sql/*.sql test/isolation/specs/*.spec; do
	[[ ! $(stem "$file") =~ ^[0-9] ]] || wrong "$file:1" "a test's name does not begin with a digit: that is how definition files are told from tests"
done
for file in test/isolation/specs/*.spec; do
	[ ! -e "test/sql/$(stem "$file").sql" ] || wrong "$file:1" "test/sql has a test of this name too"
done

# 2. every file is listed, and everything listed is a file
parts=$(list SQL_PARTS)
for file in sql/[0-9]*.sql; do listed "$parts" "$(stem "$file")" || wrong "$file:1" "is not in SQL_PARTS of the Makefile"; done
regress="$(list REGRESS) $(list REGRESS_LANGUAGES)"
for file in test/sql/*.sql; do
	listed "$regress" "$(stem "$file")" || wrong "$file:1" "is neither in REGRESS nor in REGRESS_LANGUAGES of the Makefile"
	[ -e "expected/$(stem "$file").out" ] || wrong "$file:1" "has no expected/$(stem "$file").out"
done
for file in expected/*.out; do
	[ -e "test/sql/$(stem "$file").sql" ] || [ -e "test/sql/$(stem "${file%_[0-9].out}").sql" ] || wrong "$file:1" "belongs to no test"
done
for file in test/isolation/specs/*.spec; do
	listed "$(list ISOLATION)" "$(stem "$file")" || wrong "$file:1" "is not in ISOLATION of the Makefile"
	[ -e "test/isolation/expected/$(stem "$file").out" ] || wrong "$file:1" "has no expected output"
done
for name in $regress $(list REGRESS_PLAIN); do [ -e "test/sql/$name.sql" ] || wrong "Makefile:1" "lists the test $name, which is not there"; done
for name in $(list ISOLATION); do [ -e "test/isolation/specs/$name.spec" ] || wrong "Makefile:1" "lists the race $name, which is not there"; done
for name in $parts; do [ -e "sql/$name.sql" ] || wrong "Makefile:1" "lists the part $name, which is not there"; done

# 3. one version, in three files
version=$(list HITL_VERSION)
grep -q "^default_version = '$version'" hitl.control || wrong "hitl.control:1" "the Makefile says version $version"
[ "$(grep -c "\"version\" *: *\"$version\"" META.json)" = 2 ] || wrong "META.json:1" "the Makefile says version $version"

# 4. settings are defined in alphabetical order
if [ -e src/guc.c ]; then
	grep -nE '"hitl\.[a-z_]+"' src/guc.c | sed -E 's/^([0-9]+):.*"(hitl\.[a-z_]+)".*/\1 \2/' | awk '
		$2 < last { print "src/guc.c:" $1 ": " $2 " stands after " last; bad = 1 }
		{ last = $2 }
		END { exit bad }' || status=1
fi

# 5. the install script: exactly what it says is made, and all that people see is described
awk '
	function wrong(reason) { print FILENAME ":" FNR ": " reason; bad = 1 }
	{ sub(/--.*/, ""); text = toupper($0) }
	text ~ /IF NOT EXISTS/ { wrong("IF NOT EXISTS would adopt an object that somebody planted") }
	text ~ /OR REPLACE/ { wrong("OR REPLACE would keep the owner and the grants of an object that somebody planted") }
	text ~ /^CREATE (UNLOGGED )?(FUNCTION|PROCEDURE|AGGREGATE|TABLE|VIEW|TYPE|DOMAIN|SEQUENCE|OPERATOR|EVENT TRIGGER)/ {
		match(text, /(FUNCTION|PROCEDURE|AGGREGATE|TABLE|VIEW|TYPE|DOMAIN|SEQUENCE|OPERATOR|EVENT TRIGGER) +/)
		kind = substr(text, RSTART, RLENGTH); sub(/ +$/, "", kind)
		name = substr($0, RSTART + RLENGTH); sub(/[ (;].*/, "", name)
		if (name !~ /^hitl\./) wrong(name " is not qualified")
		if (kind != "SEQUENCE") made[kind " " name] = FILENAME ":" FNR
	}
	text ~ /^COMMENT ON / {
		kind = $3; name = $4
		if (kind == "EVENT") { kind = kind " " $4; name = $5 }
		sub(/\(.*/, "", name); said[toupper(kind) " " name] = 1
	}
	END {
		for (object in made) if (!(object in said)) { print made[object] ": " object " has no COMMENT ON"; bad = 1 }
		exit bad
	}' sql/[0-9]*.sql || status=1

# 6. elog is for what cannot happen: each elog(ERROR) is agreed on, one line each, in test/lint/elog.txt
while IFS=: read -r file line code; do
	message=$(sed -E 's/.*elog\((ERROR|FATAL|PANIC),[[:space:]]*("(([^"\\]|\\.)*)")?.*/\3/' <<<"$code")
	grep -qxF "${file#src/}: $message" test/lint/elog.txt || wrong "$file:$line" "elog(ERROR, \"$message\") is not in test/lint/elog.txt; a user's error is an ereport with SQLSTATE, detail and hint"
done < <(awk -f test/lint/code.awk src/*.c | awk '/elog\((ERROR|FATAL|PANIC),[ \t]*$/ { held = $0; next } held { sub(/^[^:]*:[0-9]+:/, ""); $0 = held $0; held = "" } /elog\((ERROR|FATAL|PANIC)/')
while IFS= read -r entry; do
	grep -qF "\"${entry#*: }\"" "src/${entry%%:*}" 2>/dev/null || wrong "test/lint/elog.txt:$(grep -nxF "$entry" test/lint/elog.txt | cut -d: -f1)" "no such elog any more: $entry"
done < <(grep -v '^#' test/lint/elog.txt || true)
exit "$status"
