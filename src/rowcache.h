/*
 * rowcache.h
 *    The rows of a small table, kept by each process until somebody writes it.
 *
 * Layer 2.
 */
#ifndef HITL_ROWCACHE_H
#define HITL_ROWCACHE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* one table; static, and begun with the names and functions only */
typedef struct RowCache
{
	const char *table;			/* in schema hitl */
	List	   *(*read) (void); /* its rows, in the caller's context */
	void	   *(*copy) (const void *row);	/* likewise */
	List	   *rows;
	MemoryContext context;
	Oid			relation;
	bool		is_kept;
	bool		is_forgotten;	/* while they were being read */
} RowCache;

extern List *rowcache_rows(RowCache *cache);
extern void rowcache_changed(const RowCache *cache);

#endif							/* HITL_ROWCACHE_H */
