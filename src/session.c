/*
 * session.c
 *    What surrounds a node in its session: settings before it, order after it.
 *
 * Everywhere a node's settings end with the node: they live in a nest level of
 * the server's own settings stack, which is closed as if aborted.
 *
 * In an executor there is more.  The role's own defaults (ALTER ROLE ... SET
 * default_transaction_read_only and the like) are meant for its work and would
 * break the bookkeeping; so the session runs on a baseline, and a node gets
 * the role's values for its time.  What else a node leaves in a session
 * (advisory locks, LISTEN, prepared statements, held cursors, temporary
 * tables) is discarded before the next task.  Globals of interpreters cannot
 * be: but an executor serves one role only.
 *
 * Layer 3.  Static state: the role's values, for the life of the process.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "session.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

/* A setting that bookkeeping needs so; the node gets the role's own value. */
typedef struct SessionSetting
{
	const char *name;
	const char *baseline;
	const char *in_node;		/* the setting that carries the value within a
								 * transaction, or NULL: not within one */
	char	   *role_value;		/* NULL: the same as the baseline */
} SessionSetting;

static SessionSetting settings[] = {
	{"default_transaction_deferrable", "off", NULL, NULL},
	{"default_transaction_isolation", "read committed", NULL, NULL},
	{"default_transaction_read_only", "off", "transaction_read_only", NULL},
	{"exit_on_error", "off", NULL, NULL},
	{"idle_in_transaction_session_timeout", "0", NULL, NULL},
	{"idle_session_timeout", "0", NULL, NULL},
	{"lock_timeout", "0", "lock_timeout", NULL},
	{"role", "none", NULL, NULL},
	{"row_security", "on", "row_security", NULL},
	{"session_replication_role", "origin", "session_replication_role", NULL},
	{"statement_timeout", "0", NULL, NULL},
	{"transaction_timeout", "0", NULL, NULL},
};

static bool is_executor = false;

/*
 * Executors, once after connecting and outside a transaction: remember the
 * role's values, and put the baseline in their place.
 */
void
session_begin(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	const char *sync;

	for (int i = 0; i < (int) lengthof(settings); i++)
	{
		SessionSetting *setting = &settings[i];
		const char *value = GetConfigOption(setting->name, true, false);

		if (value == NULL)
			continue;			/* this server has no such setting */
		if (strcmp(value, setting->baseline) != 0)
		{
			setting->role_value = pstrdup(value);
			SetConfigOption(setting->name, setting->baseline, PGC_SUSET, PGC_S_SESSION);
		}
	}
	/* a commit that was acknowledged is on disk, whatever the role prefers and
	 * whatever is configured later */
	sync = GetConfigOption("synchronous_commit", false, false);
	SetConfigOption("synchronous_commit", strcmp(sync, "off") == 0 ? "on" : sync, PGC_SUSET, PGC_S_SESSION);
	MemoryContextSwitchTo(old);
	is_executor = true;
}

/*
 * Open a nest level with the settings of a node: its recorded search_path and,
 * in an executor, the role's own values.  Returns the level to leave.
 */
int
session_enter_node(const char *search_path)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("search_path", search_path, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* local, since PostgreSQL 18 saves no setting of the transaction itself: the
	 * level is closed as if aborted, which takes back the one as the other */
	for (int i = 0; is_executor && i < (int) lengthof(settings); i++)
	{
		const SessionSetting *setting = &settings[i];

		if (setting->role_value != NULL && setting->in_node != NULL)
			(void) set_config_option(setting->in_node, setting->role_value, PGC_SUSET,
									 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	}
	return level;
}

void
session_leave_node(int level)
{
	AtEOXact_GUC(false, level);
}

/*
 * Executors, at the start of a transaction: discard what the last node left.
 * DISCARD ALL, but for the settings, which are taken back already.
 */
void
session_clean(void)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	PortalHashTableDeleteAll();
	DropAllPreparedStatements();
	Async_UnlistenAll();
	LockReleaseAll(USER_LOCKMETHOD, true);
	ResetTempTableNamespace();
	ResetSequenceCaches();
	PopActiveSnapshot();
}

/* Bound the wait for a lock; returns the level to take back. */
int
session_limit_lock(const char *timeout)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("lock_timeout", timeout, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

void
session_unlimit_lock(int level)
{
	AtEOXact_GUC(true, level);
}
