/*
 * check.c
 *    Can a function be a node in continue mode?
 *
 * What program.c finds, and what hitl.continue_split_block says of a pause within
 * a block with handlers.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "check.h"
#include "commands/proclang.h"
#include "guc.h"
#include "program.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "access/htup_details.h"
#include "catalog/pg_proc.h"

/* Why is a function no node in continue mode at all?  NULL: it may be one. */
static char *
function_fault(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc row;
	char	   *fault = NULL;

	if (!HeapTupleIsValid(tuple))
		return pstrdup("there is no such function");
	row = (Form_pg_proc) GETSTRUCT(tuple);
	if (row->prolang != get_language_oid("plpgsql", true))
		fault = pstrdup("it is not written in PL/pgSQL");
	else if (row->prokind != PROKIND_FUNCTION || row->prorettype == TRIGGEROID || row->prorettype == EVENT_TRIGGEROID)
		fault = pstrdup("it is not a function that a node can be");
	ReleaseSysCache(tuple);
	return fault;
}

/*
 * All places where a function, and what it calls from such places, may pause, as
 * ProgramFindings; one without a line if it is not for continue mode at all.
 * *callees, if wanted: the functions that it calls, as OIDs.
 */
List *
check_findings(Oid function, List **callees)
{
	char	   *fault = function_fault(function);
	List	   *findings;
	ListCell   *cell;

	if (fault != NULL)
	{
		ProgramFinding *finding = palloc0(sizeof(ProgramFinding));

		finding->signature = format_procedure_qualified(function);
		finding->reason = fault;
		finding->advice = pstrdup("take suspend => 'replay'");
		if (callees != NULL)
			*callees = NIL;
		return list_make1(finding);
	}
	findings = program_findings(function, callees);
	foreach(cell, findings)
	{
		ProgramFinding *finding = palloc(sizeof(ProgramFinding));

		*finding = *(ProgramFinding *) lfirst(cell);
		lfirst(cell) = finding;
		if (finding->reason != NULL || finding->split_line == 0)
			continue;
		if (guc_continue_split_block == HITL_SPLIT_ERROR)
			finding->reason = psprintf("the block with EXCEPTION in line %d is around the pause: an error behind it would undo only what came behind it", finding->split_line);
		finding->advice = psprintf("end the block in line %d before the pause and begin another behind it; or, if that is what you want, SET hitl.continue_split_block = warn", finding->split_line);
	}
	return findings;
}

/*
 * The same as faults of a graph, C strings.  What is only to be known is warned
 * of.  what: names the function's place.
 */
List *
check_faults(Oid function, const char *what, List **callees)
{
	List	   *faults = NIL;
	ListCell   *cell;

	foreach(cell, check_findings(function, callees))
	{
		const ProgramFinding *finding = lfirst(cell);

		if (finding->reason != NULL && finding->line == 0)
			faults = lappend(faults, psprintf("%s, %s: %s; %s", what, finding->signature, finding->reason, finding->advice));
		else if (finding->reason != NULL)
			faults = lappend(faults, psprintf("%s, %s, line %d: %s; write instead: %s", what, finding->signature,
											  finding->line, finding->reason, finding->advice));
		else if (finding->split_line != 0)
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("%s pauses within a block with EXCEPTION", what),
					 errdetail("%s, line %d, in the block of line %d: after the pause an error in it undoes only what came after the pause.",
							   finding->signature, finding->line, finding->split_line),
					 errhint("End the block before the pause, and begin another behind it.")));
	}
	return faults;
}
