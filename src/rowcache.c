/*
 * rowcache.c
 *    The rows of a small table, kept by each process until somebody writes it.
 *
 * For tables that every run of a node asks and that hardly ever change.  Who
 * writes one says so (rowcache_changed()): an invalidation of the table's
 * relcache entry is sent with the commit, and each process hears of it at the
 * next lock that it takes on a table.  Where nothing is written nothing is read.
 *
 * Layer 2.  Memory: "hitl rows", one for each table, for the process.
 */
#include "postgres.h"

#include "access/xact.h"
#include "db.h"
#include "rowcache.h"
#include "utils/inval.h"
#include "utils/memutils.h"

static void
forget(Datum arg, Oid relation)
{
	RowCache   *cache = (RowCache *) DatumGetPointer(arg);

	if (relation == InvalidOid || relation == cache->relation)
	{
		cache->is_kept = false;
		cache->is_forgotten = true;
	}
}

/* The rows as they are now.  They live until they are asked for again. */
List *
rowcache_rows(RowCache *cache)
{
	if (cache->context == NULL)
	{
		cache->context = AllocSetContextCreate(TopMemoryContext, "hitl rows", ALLOCSET_SMALL_SIZES);
		CacheRegisterRelcacheCallback(forget, PointerGetDatum(cache));
	}
	while (!cache->is_kept)
	{
		List	   *rows;
		ListCell   *cell;
		MemoryContext old;

		cache->is_forgotten = false;
		cache->relation = db_relation(cache->table);
		rows = cache->read();
		cache->rows = NIL;
		MemoryContextReset(cache->context);
		old = MemoryContextSwitchTo(cache->context);
		foreach(cell, rows)
			cache->rows = lappend(cache->rows, cache->copy(lfirst(cell)));
		MemoryContextSwitchTo(old);
		/* at a fixed snapshot they may be those of long ago: not kept */
		if (IsolationUsesXactSnapshot())
			break;
		cache->is_kept = !cache->is_forgotten;
	}
	return cache->rows;
}

/* Somebody writes rows: at the commit every process forgets those that it keeps. */
void
rowcache_changed(const RowCache *cache)
{
	Oid			relation = db_relation(cache->table);

	if (OidIsValid(relation))
		CacheInvalidateRelcacheByRelid(relation);
}
