# hitl: `make demo` tells the story, `make test` proves it, `make && make install` is the usual PGXS way.
# Every other target works on a private copy of the server under build/ and needs no root (test/cluster.sh).

# Source files by layer, lowest first.  A file includes only what stands before it here (test/lint/layers.sh).
WORDS   = hitl compat errors types guc clock names json
LOGIC   = lifecycle ladder pattern schema question answer foreign shape content reader gate definition document frontier migration messages reducer subgraph delta mermaid wording mail policy quorum rule
STORE   = db rowcache subxact store_graph store_grant store_thread store_input store_tree store_checkpoint store_task store_queue store_interrupt store_timer store_vote store_draft store_inbox store_desk store_step store_breakpoint store_policy store_rule store_outbox store_outcome store_audit shmem slot marks wake
ENGINE  = session timer frame event identity audit rights outbox code function shadow statement callsite program check graph grant rulebook draft pending deadline opening ballot guard author phase value activation residual loop suspension continuation interrupt hook step node tree checkpoint breakpoint thread child steer input migrate view why tail expiry claim executor crash absence inbox show desk edit decision reply bulk reopen escalation outcome sender render
DOORS   = arguments api_graph api_grant api_thread api_review api_timer api_outbox api_desk api_shape api_policy api_monitor worker launcher dispatcher executor_main utility load
JUST_HEADERS = hitl compat errors types

# What CREATE EXTENSION runs: these parts of sql/, in this order.
SQL_PARTS = 00_guard 20_graph 25_grant 30_thread 35_breakpoint 40_interrupt 42_policy 44_timer 46_desk 50_shape 52_outbox 60_audit 70_views 75_numbers 80_monitor 90_grants

# Tests: behaviour (test/sql, expected/), the part of it that also holds without preload, races (test/isolation).
# test/pgtap/*.sql and test/tap/*.pl are found by name.
REGRESS           = outbox numbers refund graph replay decide state errors inline rights grants proxy agents cancel why notify install channels routes fanout \
                    define cycles history update fork keys busy sqlnode retry mermaid gate timeout step hooks breakpoint versions pinned subgraph agent langgraph prefixes heard desk policy quorum votes reopen bulk shapes batch schema deadlines ladder inbox absence rules automatic continue continue_hostile
REGRESS_PLAIN     = outbox numbers refund graph replay decide state errors inline rights cancel why notify install langgraph subgraph
REGRESS_LANGUAGES = languages
ISOLATION         = prepare two-deciders two-resumes tree same-key two-votes savepoint idle-reviewer decide-cancel resume-cancel \
                    retry-cancel control-error migrate-resume cancel-running run-pending-twice barrier wait tick create-twice compile-twice start-compile update-vote input-race votes-meet two-claims revoke-open

PG_CONFIG    ?= pg_config
HITL_VERSION  = 0.1.0
EXTENSION     = hitl
MODULE_big    = hitl
OBJS          = $(patsubst %,src/%.o,$(filter-out $(JUST_HEADERS),$(WORDS) $(LOGIC) $(STORE) $(ENGINE) $(DOORS)))
DATA_built    = hitl--$(HITL_VERSION).sql
HEADERS_hitl  = src/hitl.h
SCRIPTS       = tools/hitl-sender
REGRESS_OPTS   = --inputdir=test
ISOLATION_OPTS = --inputdir=test/isolation
EXTRA_CLEAN    = build hitl_test.so test/unit/*.o results regression.diffs regression.out

# The server's headers are system headers: -Wextra is for our lines, not for theirs.
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CFLAGS   = -Wall -Wextra $(if $(WERROR),-Werror)
# Only hitl_*, and what the server looks for, leaves the library: no clash with another extension's names.
SHLIB_LINK  = -Wl,--version-script=src/hitl.map
# No bitcode: it needs clang, and nothing of ours is worth inlining into a query.
override with_llvm = no

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(if $(PGXS),$(wildcard $(PGXS))),)
include $(PGXS)
else
all install:
	@echo "no PostgreSQL to build against: install postgresql-server-dev-NN, or say make PG_CONFIG=/path/to/pg_config" >&2; exit 1
clean:
	rm -rf $(EXTRA_CLEAN) $(OBJS) $(DATA_built) hitl.so
endif

$(OBJS): $(wildcard src/*.h) Makefile
hitl.so: src/hitl.map

$(DATA_built): $(SQL_PARTS:%=sql/%.sql) Makefile
	cat $(SQL_PARTS:%=sql/%.sql) > $@

# The pure logic of layer 1 as SQL functions, for test/unit only; never installed with the extension.
UNIT_OBJS = test/unit/hitl_test.o $(patsubst %,src/%.o,names json $(LOGIC))
test/unit/hitl_test.o: CPPFLAGS += -Isrc
test/unit/hitl_test.o: $(wildcard src/*.h)
hitl_test.so: $(UNIT_OBJS)
	$(CC) $(CFLAGS) -shared -o $@ $(UNIT_OBJS) $(LDFLAGS) $(LDFLAGS_SL) -Wl,-Bsymbolic

run = PG_CONFIG='$(PG_CONFIG)' bash
demo:   ; @$(run) test/demo/demo.sh
psql:   ; @$(run) test/demo/demo.sh --psql
test:   ; @FULL='$(FULL)' PARTS='$(PARTS)' $(run) test/run.sh
fuzz:   ; @SEED='$(SEED)' COUNT='$(COUNT)' ONLY='$(ONLY)' $(run) test/fuzz/fuzz.sh
bench:  ; @$(run) test/bench/bench.sh && $(run) test/bench/desk.sh && $(run) test/bench/continue.sh
lint:   ; @$(run) test/lint/all.sh
print-%: ; @echo '$($*)'
.PHONY: demo psql test fuzz bench lint
