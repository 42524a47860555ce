/*
 * compat.h
 *    Every difference between server versions, in one place.
 *
 * No other file tests PG_VERSION_NUM.  Supported: PostgreSQL 15 and later.
 *
 * Layer 0.
 */
#ifndef HITL_COMPAT_H
#define HITL_COMPAT_H

#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "postmaster/bgworker.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/regproc.h"
#include "utils/wait_event.h"

#if PG_VERSION_NUM < 150000
#error "hitl needs PostgreSQL 15 or later"
#endif

/* 16 replaced the per-object permission functions by one that takes a class */
#if PG_VERSION_NUM >= 160000
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#define compat_function_aclcheck(oid, role, mode) \
	object_aclcheck(ProcedureRelationId, (oid), (role), (mode))
#define compat_schema_aclcheck(oid, role, mode) \
	object_aclcheck(NamespaceRelationId, (oid), (role), (mode))
#define compat_database_aclcheck(oid, role, mode) \
	object_aclcheck(DatabaseRelationId, (oid), (role), (mode))
#define compat_language_aclcheck(oid, role, mode) \
	object_aclcheck(LanguageRelationId, (oid), (role), (mode))
#define compat_database_ownercheck(oid, role) \
	object_ownercheck(DatabaseRelationId, (oid), (role))
#define compat_extension_ownercheck(oid, role) \
	object_ownercheck(ExtensionRelationId, (oid), (role))
#define compat_schema_ownercheck(oid, role) \
	object_ownercheck(NamespaceRelationId, (oid), (role))
#else
#define compat_function_aclcheck(oid, role, mode) \
	pg_proc_aclcheck((oid), (role), (mode))
#define compat_schema_aclcheck(oid, role, mode) \
	pg_namespace_aclcheck((oid), (role), (mode))
#define compat_database_aclcheck(oid, role, mode) \
	pg_database_aclcheck((oid), (role), (mode))
#define compat_language_aclcheck(oid, role, mode) \
	pg_language_aclcheck((oid), (role), (mode))
#define compat_database_ownercheck(oid, role) \
	pg_database_ownercheck((oid), (role))
#define compat_extension_ownercheck(oid, role) \
	pg_extension_ownercheck((oid), (role))
#define compat_schema_ownercheck(oid, role) \
	pg_namespace_ownercheck((oid), (role))
#endif

/* Which row of pg_proc PL/pgSQL has compiled.  18 has a cache for all languages. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_PLPGSQL_XMIN(function) ((function)->cfunc.fn_xmin)
#else
#define COMPAT_PLPGSQL_XMIN(function) ((function)->fn_xmin)
#endif

/*
 * A plain function, unchecked, without defaults; see ProcedureCreate().  18
 * also records what transforms it depends on; we leave that out, as before.
 */
#if PG_VERSION_NUM >= 180000
#define COMPAT_PROCEDURE_TRANSFORMS(types) (types), NIL
#else
#define COMPAT_PROCEDURE_TRANSFORMS(types) (types)
#endif
#define compat_create_function(name, schema, result, owner, language, source, file, body, \
							   strict, volatility, parallel, args, all_args, modes, names, \
							   transforms, config, cost, rows) \
	ProcedureCreate((name), (schema), false, false, (result), (owner), (language), InvalidOid, \
					(source), (file), (body), PROKIND_FUNCTION, false, false, \
					(strict), (volatility), (parallel), (args), (all_args), (modes), (names), NIL, \
					COMPAT_PROCEDURE_TRANSFORMS(transforms), (config), InvalidOid, (cost), (rows))

/*
 * A search_path for bookkeeping.  Up to 16 an override list is cheap and does
 * not touch the setting; 17 removed it and made the setting itself cheap.
 * Both are undone by the server when the (sub)transaction aborts.
 */
#if PG_VERSION_NUM >= 170000
static inline int
compat_push_search_path(void)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

static inline void
compat_pop_search_path(int level)
{
	AtEOXact_GUC(true, level);
}
#else
static inline int
compat_push_search_path(void)
{
	OverrideSearchPath path = {0};

	/*
	 * pg_catalog is searched first because it is not listed; a temporary
	 * schema is not searched at all, which is stricter than "pg_temp last".
	 */
	path.addCatalog = true;
	path.addTemp = false;
	path.schemas = NIL;
	PushOverrideSearchPath(&path);
	return 0;
}

static inline void
compat_pop_search_path(int level pg_attribute_unused())
{
	PopOverrideSearchPath();
}
#endif

/* 18 dropped execute_once from ExecutorRun and its hook */
#if PG_VERSION_NUM >= 180000
#define COMPAT_EXECUTOR_RUN_PARAMS QueryDesc *query, ScanDirection direction, uint64 count
#define COMPAT_EXECUTOR_RUN_ARGS query, direction, count
#else
#define COMPAT_EXECUTOR_RUN_PARAMS QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define COMPAT_EXECUTOR_RUN_ARGS query, direction, count, execute_once
#endif

/* 18 spells it pg_noreturn and wants it in front. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_NORETURN pg_noreturn
#else
#define COMPAT_NORETURN pg_attribute_noreturn()
#endif

/* From 0 to 1; the server's generator has had this name since 15 */
#define compat_random() pg_prng_double(&pg_global_prng_state)

/* From 16 it can report a name that cannot be read softly; we do not ask. */
#if PG_VERSION_NUM >= 160000
#define compat_qualified_name(text) stringToQualifiedNameList((text), NULL)
#else
#define compat_qualified_name(text) stringToQualifiedNameList(text)
#endif

/* From 17 a worker may run as a role without LOGIN. */
#if PG_VERSION_NUM >= 170000
#define COMPAT_BGWORKER_ROLE_FLAGS BGWORKER_BYPASS_ROLELOGINCHECK
#define COMPAT_WORKER_NEEDS_LOGIN false
#else
#define COMPAT_BGWORKER_ROLE_FLAGS 0
#define COMPAT_WORKER_NEEDS_LOGIN true
#endif

/* 17 numbers processes by ProcNumber; before, by their place in allProcs */
#if PG_VERSION_NUM >= 170000
#include "storage/procnumber.h"
#define compat_proc_number(proc) ((int) GetNumberFromPGProc(proc))
#define COMPAT_MY_PROC_NUMBER ((int) MyProcNumber)
#else
#define compat_proc_number(proc) ((int) (proc)->pgprocno)
#define COMPAT_MY_PROC_NUMBER ((int) MyProc->pgprocno)
#endif

/* From 17 an extension may name what it waits for; before, it is "Extension". */
#if PG_VERSION_NUM >= 170000
#define compat_wait_event(name) WaitEventExtensionNew(name)
#else
#define compat_wait_event(name) ((void) (name), (uint32) PG_WAIT_EXTENSION)
#endif

/* 16 can report what is wrong with a type's name instead of raising it */
#if PG_VERSION_NUM >= 160000
#define compat_parse_type(name, type, typmod) (void) parseTypeString((name), (type), (typmod), NULL)
#else
#define compat_parse_type(name, type, typmod) parseTypeString((name), (type), (typmod), false)
#endif

#endif							/* HITL_COMPAT_H */
