#!/usr/bin/env bash
# test/lint/layers.sh: who may include what, and which words belong to one file only.
#
# The Makefile lists the sources by layer, lowest first.  A file includes only what stands before it there; layers 1
# (pure logic) and 2 (tables, shared memory) never include each other, and neither looks at settings or the clock:
# those are arguments, so that a verdict can be reproduced from its inputs.
set -euo pipefail
cd "$(dirname "$0")/../.."
status=0
list() { sed -n -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' -e "s/^$1 *= *//p" Makefile; }

{
	for layer in WORDS LOGIC STORE ENGINE DOORS; do list $layer | tr -s ' ' '\n' | sed "s/^/$layer /"; done
	grep -nE '^#[[:space:]]*include[[:space:]]*"' src/*.[ch] | sed -E 's/^src\/([^:]*):([0-9]+):[^"]*"([^"]*)".*/include \1 \2 \3/'
	for file in src/*.c src/*.h; do echo "file ${file#src/}"; done
} | awk '
	function stem(name) { sub(/\.[ch]$/, "", name); return name }
	function wrong(line, reason) { print "src/" $2 ":" line ": " reason; bad = 1 }
	/^[A-Z]/ { layer[$2] = $1; place[$2] = ++places; next }
	$1 == "file" && !(stem($2) in place) { wrong(1, "is in no layer of the Makefile") }
	$1 == "include" {
		from = stem($2); to = stem($4)
		if (!(from in place)) next
		if (!(to in place)) next                                # a header of the server
		pair = layer[from] " " layer[to]
		if (place[to] > place[from])
			wrong($3, from " (" layer[from] ") must not include " to " (" layer[to] "), which stands after it in the Makefile")
		else if (pair == "STORE LOGIC")
			wrong($3, "the outside world (" from ") must not include pure logic (" to ")")
		else if (layer[from] ~ /LOGIC|STORE/ && to ~ /^(guc|clock)$/ && !(from == "wake" && to == "guc"))
			wrong($3, "settings and time are arguments below the engine: no " to ".h in " from)
		else if (from ~ /^store_/ && to ~ /^(store_|shmem|slot|marks|wake)/ && to != from)
			wrong($3, "a store file knows db only, not " to)
		else if (from ~ /^api_/ && to ~ /^(api_|worker|launcher|dispatcher|executor_main|utility)/ && to != from)
			wrong($3, "a door opens on the engine, not on another door: " to)
	}
	END { exit bad }' || status=1

# only PATTERN ALLOWED WHY: what matches PATTERN, outside comments, stands in files that match ALLOWED only.
code=$(awk -f test/lint/code.awk src/*.[ch])
only() {
	! grep -E ":[0-9]+:.*($1)" <<<"$code" | grep -vE "^src/($2):" | sed -E "s/^([^:]*:[0-9]+):.*/\1: $3/" | grep . || status=1
}
processes='shmem|slot|marks|wake|worker|launcher|dispatcher|executor_main|utility'
only 'executor/spi\.h|\<SPI_[a-z]'                     'db\.c'                  'only db.c talks to SPI'
only 'storage/(lwlock|latch)\.h|\<(LWLockAcquire|WaitLatch|SetLatch)\>' "($processes)\\.[ch]" 'locks and latches belong to shmem, wake and the processes'
only '\<PG_(GETARG_|RETURN_|ARGISNULL|FUNCTION_INFO)'  '(api_.*|arguments)\.c'  'only the doors decode arguments and encode results'
only '\<PG_VERSION_NUM\>'                              'compat\.h'              'server versions are tested in compat.h only'
only '\<(GetCurrentTimestamp|gettimeofday|time)[[:space:]]*\(' 'clock\.c' 'the time comes from clock_now()'
only '\<(BeginInternalSubTransaction|ReleaseCurrentSubTransaction|RollbackAndReleaseCurrentSubTransaction)\>' 'subxact\.c' 'subtransactions begin and end in subxact.c'
only '\<Register(Sub)?XactCallback\>'                  'wake\.c'                'only wake.c registers transaction callbacks, once'
exit "$status"
