/*
 * subxact.c
 *    Run a function in a subtransaction, and have its error as a value.
 *
 * A subtransaction that an error leaves open is ended by the next handler
 * further out, which takes it for its own: everything after that is in the
 * wrong one.  So it begins and ends here only.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "access/xact.h"
#include "subxact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/*
 * Call body(arg) in a subtransaction.  Returns NULL when it came to its end, and
 * then what it said happens to what it did; else its error, in the caller's
 * memory context, with all that it did rolled back.  The caller throws on what
 * is not his to judge, such as a cancel.
 *
 * Memory, resources and user are the caller's again in any case.
 */
ErrorData *
subxact_run(SubxactBody body, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resources = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		if (body(arg))
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = resources;
	return error;
}
