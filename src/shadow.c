/*
 * shadow.c
 *    The copy of a function that a pinned graph runs.
 *
 * It is made at compile, in the schema hitl_pinned, of functions that the
 * graph's owner owns: a copy of somebody else's would keep alive what they have
 * mended or taken away.  It belongs to the graph's owner and to no extension:
 * so pg_dump and pg_upgrade take it along, REASSIGN and DROP OWNED find it, and
 * it keeps its owner from being dropped.  It goes with DROP EXTENSION.
 *
 * The row of pg_proc is copied as it is.  A CREATE FUNCTION would read the
 * author's text again: as whom?  As the extension's owner, types and domains
 * of the author's would run code with his rights; as the graph's owner, he
 * would need CREATE on the schema, if only for that moment.  A copied row is
 * read by nobody.
 *
 * Nobody has a right on the schema: the engine calls a copy by its OID.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "code.h"
#include "commands/extension.h"
#include "compat.h"
#include "db.h"
#include "function.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "shadow.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define SHADOW_SCHEMA "hitl_pinned"

/* of a copy's name: what is left of the function's, and of the hash of its code */
#define NAME_BYTES 20
#define HASH_CHARS 16

/* NULL for SQL NULL. */
static char *
get_text(HeapTuple tuple, AttrNumber column)
{
	bool		is_null;
	Datum		value = SysCacheGetAttr(PROCOID, tuple, column, &is_null);

	return is_null ? NULL : TextDatumGetCString(value);
}

/* An array as it is, laid out plainly: ProcedureCreate() reads it so. */
static Datum
get_array(HeapTuple tuple, AttrNumber column)
{
	bool		is_null;
	Datum		value = SysCacheGetAttr(PROCOID, tuple, column, &is_null);

	return PointerGetDatum(is_null ? NULL : PG_DETOAST_DATUM(value));
}

/*
 * Does a body name the function that it is the body of, as in pay.state?  Then
 * it would not find that name in a copy, which has another.  Said too often
 * does no harm.
 */
static bool
names_itself(const char *body, const char *name)
{
	size_t		length = strlen(name);

	for (const char *at = body; *at != '\0'; at++)
	{
		const char *after = at + length;

		if (pg_strncasecmp(at, name, length) != 0)
			continue;
		if (*after == '"')
			after++;
		while (*after == ' ' || *after == '\t' || *after == '\n' || *after == '\r')
			after++;
		if (*after == '.')
			return true;
	}
	return false;
}

/* Why is there no copy of this function?  NULL: there can be one. */
static const char *
find_reason(HeapTuple tuple, Oid graph_owner)
{
	Form_pg_proc row = (Form_pg_proc) GETSTRUCT(tuple);
	HeapTuple	language;
	bool		is_trusted;
	char	   *body;

	if (row->proowner != graph_owner)
		return "it belongs to another role than the graph";
	if (row->prosecdef)
		return "it is SECURITY DEFINER";
	if (row->prokind != PROKIND_FUNCTION)
		return "it is an aggregate";
	if (row->prolang == ClanguageId || row->prolang == INTERNALlanguageId)
		return "it is written in C";

	/* whoever could not write it now does not get it written */
	language = SearchSysCache1(LANGOID, ObjectIdGetDatum(row->prolang));
	if (!HeapTupleIsValid(language))
		return "its language is not there";
	is_trusted = ((Form_pg_language) GETSTRUCT(language))->lanpltrusted;
	ReleaseSysCache(language);
	if (!superuser_arg(graph_owner) &&
		(!is_trusted || compat_language_aclcheck(row->prolang, graph_owner, ACL_USAGE) != ACLCHECK_OK))
		return "its owner may not write functions in its language";

	body = get_text(tuple, Anum_pg_proc_prosrc);
	if (body != NULL && names_itself(body, NameStr(row->proname)))
		return "its body names the function itself";
	return NULL;
}

/*
 * A copy is shared by all versions of a graph that have the same code, and by
 * nothing else.  number: 1, unless copies of that name are not to be had.
 */
static char *
make_name(const HitlGraphVersion *graph, const char *name, const char *code_hash, int number)
{
	int			length = pg_mbcliplen(name, strlen(name), NAME_BYTES);
	char	   *first = psprintf("%.*s_g%lld_%.*s", length, name, (long long) graph->graph_id, HASH_CHARS, code_hash);

	return number == 1 ? first : psprintf("%s_%d", first, number);
}

/*
 * Its owner may execute a copy, and nobody else: whatever PUBLIC and the
 * owner's default privileges say of new functions.
 */
static void
set_rights(Oid shadow, const char *signature, Oid owner)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(shadow));
	Datum		acl;
	bool		is_null;
	StringInfoData others;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "hitl has lost a copy that it made");
	initStringInfo(&others);
	acl = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proacl, &is_null);
	if (!is_null)
	{
		Acl		   *rights = DatumGetAclP(acl);

		for (int i = 0; i < ACL_NUM(rights); i++)
		{
			Oid			grantee = ACL_DAT(rights)[i].ai_grantee;

			if (grantee != ACL_ID_PUBLIC && grantee != owner)
				appendStringInfo(&others, ", %s", quote_identifier(GetUserNameFromId(grantee, false)));
		}
	}
	ReleaseSysCache(tuple);
	db_utility(psprintf("REVOKE ALL ON FUNCTION %s FROM PUBLIC%s CASCADE", signature, others.data));
	db_utility(psprintf("GRANT EXECUTE ON FUNCTION %s TO %s", signature,
						quote_identifier(GetUserNameFromId(owner, false))));
}

/* Copy the row, but for who may execute it. */
static void
create_shadow(HeapTuple tuple, const char *name, const char *signature)
{
	Form_pg_proc row = (Form_pg_proc) GETSTRUCT(tuple);
	char	   *body = get_text(tuple, Anum_pg_proc_prosrc);
	char	   *sql_body = get_text(tuple, Anum_pg_proc_prosqlbody);
	ObjectAddress shadow;
	ObjectAddress extension;

	/* neither of its options that only superusers may set: they are about plans */
	shadow = compat_create_function(name, get_namespace_oid(SHADOW_SCHEMA, false),
									row->prorettype, row->proowner, row->prolang,
									body != NULL ? body : "", get_text(tuple, Anum_pg_proc_probin),
									sql_body != NULL ? stringToNode(sql_body) : NULL,
									row->proisstrict, row->provolatile, row->proparallel,
									buildoidvector(row->proargtypes.values, row->pronargs),
									get_array(tuple, Anum_pg_proc_proallargtypes),
									get_array(tuple, Anum_pg_proc_proargmodes),
									get_array(tuple, Anum_pg_proc_proargnames),
									get_array(tuple, Anum_pg_proc_protrftypes),
									get_array(tuple, Anum_pg_proc_proconfig),
									row->procost, row->prorows);
	ObjectAddressSet(extension, ExtensionRelationId, get_extension_oid("hitl", false));
	recordDependencyOn(&shadow, &extension, DEPENDENCY_AUTO_EXTENSION);
	CommandCounterIncrement();
	set_rights(shadow.objectId, signature, row->proowner);
}

/*
 * See that a function of a version has its copy, and note it; or tell why it
 * has none and is checked as those of a live graph are.  function: resolved.
 *
 * A copy that REASSIGN OWNED gave to another role stays his, and is of no use
 * to this graph: there is another one then, by another name, and so a new
 * version.
 */
void
shadow_make(const HitlGraphVersion *graph, HitlFunction *function)
{
	Oid			oid = function_find_any(function->signature);
	HeapTuple	tuple = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(oid));
	const char *reason;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "hitl has lost function %s while it compiles a graph", function->signature);
	reason = find_reason(tuple, graph->owner);
	if (reason != NULL)
	{
		ereport(NOTICE,
				(errmsg("a function of graph \"%s\" is not pinned", graph->name),
				 errdetail("Function %s: %s.", function->signature, reason),
				 errhint("It is checked before each call, as in a graph that is not pinned.")));
		return;
	}
	if (strcmp(code_hash_row(tuple), function->code_hash) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("a function changed while graph \"%s\" was compiled", graph->name),
				 errdetail("Function %s was replaced by another session.", function->signature),
				 errhint("Compile it again.")));
	for (int number = 1;; number++)
	{
		char	   *name = make_name(graph, NameStr(((Form_pg_proc) GETSTRUCT(tuple))->proname),
									 function->code_hash, number);
		Oid			shadow;

		function->shadow = psprintf("%s.%s%s", SHADOW_SCHEMA, quote_identifier(name), strrchr(function->signature, '('));
		shadow = function_find_any(function->shadow);
		if (!OidIsValid(shadow))
		{
			create_shadow(tuple, name, function->shadow);
			return;
		}
		if (code_owner(shadow) == graph->owner)
			return;
	}
}
