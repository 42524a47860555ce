/*
 * utility.c
 *    Statements that need a database, or the extension, for themselves: our
 *    processes leave before they run and come back when they have ended.
 *
 * A process of ours that is connected makes DROP DATABASE and its like fail
 * after five seconds, and DROP EXTENSION wait for the end of a node.  So the
 * database is held from before the statement until its transaction ends, by
 * commit or abort (wake.c); meanwhile no process of ours starts there.  What
 * comes after is found out by a look, so a rolled-back DROP leaves everything
 * working.
 *
 * A database that is copied, or opened for connections, is looked at then; one
 * whose tables of ours are filled by COPY, which a restore does, a few seconds
 * after the last of them.
 *
 * Only a statement that the caller has the right to may make processes leave:
 * the checks here repeat those of the server, which come too late for us.
 *
 * Layer 4.  Locks: none while waiting.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "breakpoint.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "clock.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "compat.h"
#include "grant.h"
#include "graph.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "shmem.h"
#include "slot.h"
#include "storage/latch.h"
#include "tcop/utility.h"
#include "utility.h"
#include "utils/acl.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "wake.h"

/* after this long, processes that were asked to leave are terminated */
#define PATIENCE_MS 1000
/* after this long the statement goes on, and finds out itself who is left */
#define LIMIT_MS 10000
/* after a COPY into a table of ours: the next one of a restore is to come by then */
#define RESTORE_PAUSE_MS 5000
#define POLL_MS 10

static ProcessUtility_hook_type prev_ProcessUtility = NULL;

/* ----------------------------------------------------------------- may they? */

static bool
may_create_databases(void)
{
	HeapTuple	tuple;
	bool		may = superuser();

	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	if (HeapTupleIsValid(tuple))
	{
		may |= ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
		ReleaseSysCache(tuple);
	}
	return may;
}

static bool
is_template(Oid dboid)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(dboid));
	bool		is_one = false;

	if (HeapTupleIsValid(tuple))
	{
		is_one = ((Form_pg_database) GETSTRUCT(tuple))->datistemplate;
		ReleaseSysCache(tuple);
	}
	return is_one;
}

/* A database other than the current one that the caller owns, by name. */
static Oid
owned_database(const char *name)
{
	Oid			dboid = get_database_oid(name, true);

	if (!OidIsValid(dboid) || dboid == MyDatabaseId ||
		!compat_database_ownercheck(dboid, GetUserId()))
		return InvalidOid;
	return dboid;
}

/* The database that CREATE DATABASE copies. */
static Oid
copied_database(const CreatedbStmt *stmt)
{
	const char *name = "template1";
	ListCell   *cell;
	Oid			dboid;

	if (!may_create_databases())
		return InvalidOid;
	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, "template") == 0 && option->arg != NULL)
			name = defGetString(option);
	}
	dboid = get_database_oid(name, true);
	if (OidIsValid(dboid) && !is_template(dboid) &&
		!compat_database_ownercheck(dboid, GetUserId()))
		return InvalidOid;
	return dboid;
}

/* Does this DROP take the extension with it, and may the caller do so? */
static bool
drops_extension(const DropStmt *stmt)
{
	bool		is_schema = stmt->removeType == OBJECT_SCHEMA;
	ListCell   *cell;

	if (stmt->removeType != OBJECT_EXTENSION &&
		!(is_schema && stmt->behavior == DROP_CASCADE))
		return false;
	foreach(cell, stmt->objects)
	{
		Oid			extension;
		Oid			schema;

		if (strcmp(strVal(lfirst(cell)), "hitl") != 0)
			continue;
		extension = get_extension_oid("hitl", true);
		schema = get_namespace_oid("hitl", true);
		if (!OidIsValid(extension) || !OidIsValid(schema))
			return false;
		return compat_extension_ownercheck(extension, GetUserId()) ||
			(is_schema && compat_schema_ownercheck(schema, GetUserId()));
	}
	return false;
}

/* DROP OWNED takes it when one of the roles owns it. */
static bool
drops_owned_extension(const DropOwnedStmt *stmt)
{
	Oid			extension = get_extension_oid("hitl", true);
	ListCell   *cell;

	if (!OidIsValid(extension))
		return false;
	foreach(cell, stmt->roles)
	{
		Oid			role = get_rolespec_oid(lfirst(cell), true);

		if (OidIsValid(role) && has_privs_of_role(GetUserId(), role) &&
			compat_extension_ownercheck(extension, role))
			return true;
	}
	return false;
}

/* Does this ALTER DATABASE set that option? */
static bool
alters_option(const AlterDatabaseStmt *stmt, const char *name)
{
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		if (strcmp(((DefElem *) lfirst(cell))->defname, name) == 0)
			return true;
	}
	return false;
}

/*
 * Does it fill a table of ours, as a restore does?  Its tables come one by one,
 * each committed, and the sequences last: in between, a queue row has no task,
 * and a task no answers.
 */
static bool
fills_tables(Node *statement)
{
	const CopyStmt *copy = (CopyStmt *) statement;

	return IsA(statement, CopyStmt) && copy->is_from && copy->relation != NULL &&
		copy->relation->schemaname != NULL && strcmp(copy->relation->schemaname, "hitl") == 0;
}

/*
 * The database that a statement needs for itself, or InvalidOid.  `is_alone`:
 * not within a transaction block or a function, where CREATE and DROP DATABASE
 * fail and so must not make anybody leave.
 */
static Oid
database_to_hold(Node *statement, bool is_alone)
{
	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			return is_alone ? owned_database(((DropdbStmt *) statement)->dbname) : InvalidOid;

		case T_CreatedbStmt:
			return is_alone ? copied_database((CreatedbStmt *) statement) : InvalidOid;

		case T_AlterDatabaseStmt:
			if (is_alone && alters_option((AlterDatabaseStmt *) statement, "tablespace"))
				return owned_database(((AlterDatabaseStmt *) statement)->dbname);
			return InvalidOid;

		case T_RenameStmt:
			if (((RenameStmt *) statement)->renameType == OBJECT_DATABASE && may_create_databases())
				return owned_database(((RenameStmt *) statement)->subname);
			return InvalidOid;

		case T_DropStmt:
			return drops_extension((DropStmt *) statement) ? MyDatabaseId : InvalidOid;

		case T_CopyStmt:
			return fills_tables(statement) && superuser() ? MyDatabaseId : InvalidOid;

		case T_DropOwnedStmt:
			return drops_owned_extension((DropOwnedStmt *) statement) ? MyDatabaseId : InvalidOid;

		case T_AlterExtensionStmt:
			{
				Oid			extension;

				if (strcmp(((AlterExtensionStmt *) statement)->extname, "hitl") != 0)
					return InvalidOid;
				extension = get_extension_oid("hitl", true);
				if (OidIsValid(extension) && compat_extension_ownercheck(extension, GetUserId()))
					return MyDatabaseId;
				return InvalidOid;
			}

		default:
			return InvalidOid;
	}
}

/* -------------------------------------------------------------------- hold it */

/*
 * Have our processes leave, and wait for it, though not for ever: if one does
 * not obey, the server's own check says what is wrong better than we could.
 */
static void
hold_database(Oid dboid, bool is_dropped, int pause_ms)
{
	static uint32 wait_event = 0;
	TimestampTz start = clock_real();

	if (!wake_hold_database(dboid, is_dropped, pause_ms))
		return;
	if (wait_event == 0)
		wait_event = compat_wait_event("HitlHold");
	for (;;)
	{
		TimestampTz now = clock_real();
		bool		is_impatient = TimestampDifferenceExceeds(start, now, PATIENCE_MS);

		if (slot_clear_database(dboid, is_impatient) == 0 ||
			TimestampDifferenceExceeds(start, now, LIMIT_MS))
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 POLL_MS, wait_event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Has this database an entry?  Then a copy of it has the extension too. */
static bool
is_known(Oid dboid)
{
	bool		is_one;

	shmem_lock();
	is_one = shmem_entry_find(dboid) != NULL;
	shmem_unlock();
	return is_one;
}

/* A database that we could not know of, or could not connect to: look there. */
static void
announce_database(const char *name)
{
	Oid			dboid;

	CommandCounterIncrement();
	dboid = get_database_oid(name, true);
	if (OidIsValid(dboid))
		wake_note_new_database(dboid);
}

static void
process_utility(PlannedStmt *pstmt, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *dest,
				QueryCompletion *completion)
{
	Node	   *statement = pstmt->utilityStmt;
	bool		is_copy = false;

	if (shmem_is_on())
	{
		bool		is_alone = context == PROCESS_UTILITY_TOPLEVEL && !IsTransactionBlock();
		Oid			dboid = database_to_hold(statement, is_alone);

		if (OidIsValid(dboid))
		{
			is_copy = IsA(statement, CreatedbStmt) && is_known(dboid);
			hold_database(dboid, IsA(statement, DropdbStmt), fills_tables(statement) ? RESTORE_PAUSE_MS : 0);
		}
	}

	if (prev_ProcessUtility)
		prev_ProcessUtility(pstmt, query, read_only_tree, context, params,
							environment, dest, completion);
	else
		standard_ProcessUtility(pstmt, query, read_only_tree, context, params,
								environment, dest, completion);

	/* a restore fills the tables after CREATE EXTENSION has announced them */
	if (fills_tables(statement))
	{
		wake_note_database();
		breakpoint_changed();
	}

	/* what is granted goes; owners of graphs keep the right that keeps them (sql/20_graph.sql) */
	if (IsA(statement, DropOwnedStmt))
	{
		ListCell   *cell;

		foreach(cell, ((DropOwnedStmt *) statement)->roles)
		{
			Oid			role = get_rolespec_oid(lfirst(cell), true);

			grant_drop_role(role);
			graph_keep_owner(role);
		}
	}

	/* the copy's threads have due times too */
	if (is_copy)
		announce_database(((CreatedbStmt *) statement)->dbname);
	else if (IsA(statement, AlterDatabaseStmt) &&
			 alters_option((AlterDatabaseStmt *) statement, "allow_connections"))
		announce_database(((AlterDatabaseStmt *) statement)->dbname);
}

void
utility_init(void)
{
	prev_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
