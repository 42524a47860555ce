/*
 * guc.c
 *    Settings of the extension: names, defaults, limits.
 *
 * Alphabetical here, in guc.h and in the README.  None needs a restart: what
 * sizes shared memory is fixed, and the processes read the rest on SIGHUP.
 *
 * Layer 0.
 */
#include "postgres.h"

#include <limits.h>

#include "guc.h"
#include "utils/guc.h"

char	   *guc_actor = NULL;
int			guc_claim_lease = 900000;
int			guc_clock_offset = 0;
int			guc_continue_split_block = HITL_SPLIT_ERROR;
int			guc_dispatcher_idle_timeout = 5000;
int			guc_executor_idle_timeout = 30000;
int			guc_max_bulk_decisions = 1000;
int			guc_max_claim_lease = 86400000;
int			guc_max_crashes = 3;
int			guc_max_dispatchers = 2;
int			guc_max_executors = 4;
int			guc_max_frame_size = 1024;
int			guc_max_node_timeout = 3600000;
int			guc_max_reasks = 3;
int			guc_node_timeout = 60000;
int			guc_notify = HITL_NOTIFY_WORKER;
int			guc_sweep_interval = 60000;

static const struct config_enum_entry notify_options[] = {
	{"worker", HITL_NOTIFY_WORKER, false},
	{"commit", HITL_NOTIFY_COMMIT, false},
	{"off", HITL_NOTIFY_OFF, false},
	{NULL, 0, false}
};

static const struct config_enum_entry split_options[] = {
	{"error", HITL_SPLIT_ERROR, false},
	{"warn", HITL_SPLIT_WARN, false},
	{NULL, 0, false}
};

void
guc_init(void)
{
	DefineCustomStringVariable("hitl.actor",
							   "The person for whom an application speaks.",
							   "Read in sessions of logins that hitl.grant_proxy() names; elsewhere it means nothing.",
							   &guc_actor,
							   "",
							   PGC_USERSET, 0,
							   NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.claim_lease",
							"How long a claim holds, where neither it nor its policy says so.",
							"After that others can claim the interrupt.",
							&guc_claim_lease,
							900000, 1000, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.clock_offset",
							"How far ahead of the server's clock the one is that deadlines, claims and the trail go by.",
							"For tests and drills only: what is due by then is fired now.  Background processes see it "
							"if it is set for the server, when they look next.",
							&guc_clock_offset,
							0, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomEnumVariable("hitl.continue_split_block",
							 "What add_node() and compile() say of a pause within a block with EXCEPTION, in continue mode.",
							 "After the pause, an error in the block undoes only what came after the pause: the rest is committed.",
							 &guc_continue_split_block,
							 HITL_SPLIT_ERROR, split_options,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.dispatcher_idle_timeout",
							"How long a dispatcher stays when nothing is due.",
							"It also stays when something becomes due within this time. "
							"The launcher starts it again when it is needed.",
							&guc_dispatcher_idle_timeout,
							5000, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.executor_idle_timeout",
							"How long an executor stays when it has nothing to run.",
							NULL,
							&guc_executor_idle_timeout,
							30000, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.max_bulk_decisions",
							"How many interrupts one statement may decide.",
							"A query that decides more than was meant is stopped. 0 turns the limit off.",
							&guc_max_bulk_decisions,
							1000, 0, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.max_claim_lease",
							"How long a claim may hold, where its policy does not lend it for longer.",
							"Nobody keeps the others from an interrupt for longer without claiming it again. 0 turns the limit off.",
							&guc_max_claim_lease,
							86400000, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.max_crashes",
							"How often a node may end the process that runs it before its task fails.",
							"The task is then quarantined (IH008) until hitl.retry().",
							&guc_max_crashes,
							3, 1, 1000,
							PGC_SIGHUP, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.max_dispatchers",
							"How many databases may have a dispatcher at the same time.",
							"Each takes one of max_worker_processes.",
							&guc_max_dispatchers,
							2, 1, HITL_MAX_DISPATCHERS,
							PGC_SIGHUP, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.max_executors",
							"How many executors may run at the same time, in all databases.",
							"Each takes one of max_worker_processes.  "
							"With 0, nodes run only by hitl.run_pending, hitl.invoke and hitl.resume.",
							&guc_max_executors,
							4, 0, HITL_MAX_EXECUTORS,
							PGC_SIGHUP, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.max_frame_size",
							"How much a node in continue mode may keep over a pause.",
							"Its variables and the rows that its loops have not seen yet, as text.",
							&guc_max_frame_size,
							1024, 1, 256 * 1024,
							PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.max_node_timeout",
							"How long the timeout of a node may be: a longer one counts as this.",
							"A long node keeps an old snapshot and an executor. 0 turns the limit off.",
							&guc_max_node_timeout,
							3600000, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.max_reasks",
							"How often a node may change what it asks under one key before its task fails.",
							NULL,
							&guc_max_reasks,
							3, 0, 1000,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.node_timeout",
							"How long one run of a node may take, where the node says nothing else.",
							"A long node keeps an old snapshot. 0 turns the limit off.",
							&guc_node_timeout,
							60000, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomEnumVariable("hitl.notify",
							 "Who sends notifications on channel hitl.",
							 "\"worker\": a background process, several per commit; "
							 "\"commit\": the transaction itself; \"off\": nobody.  "
							 "Without background processes \"worker\" acts as \"commit\".",
							 &guc_notify,
							 HITL_NOTIFY_WORKER, notify_options,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("hitl.sweep_interval",
							"How often a queue is looked at when no commit can tell of new work.",
							"This is the delay after COMMIT PREPARED, and after a role got the right to connect.",
							&guc_sweep_interval,
							60000, 100, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);

	MarkGUCPrefixReserved("hitl");
}
