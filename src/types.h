/*
 * types.h
 *    Words that everybody uses: states and the structs that stand for rows.
 *
 * No prototypes of modules here.  A struct that stands for a row is filled by
 * the store file of that noun, in the caller's memory context.
 *
 * Layer 0.
 */
#ifndef HITL_TYPES_H
#define HITL_TYPES_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* reserved names: where a graph is entered and left */
#define HITL_START "START"
#define HITL_END "END"

/* the version of a graph that is still being written */
#define HITL_DRAFT 0

/*
 * What a thread's row says.  A thread with a row in the run queue is shown as
 * running whatever its row says: a vote queues a task and never touches the
 * thread (see thread_status()).
 */
typedef enum HitlThreadStatus
{
	HITL_THREAD_RUNNING,
	HITL_THREAD_INTERRUPTED,
	HITL_THREAD_DONE,
	HITL_THREAD_FAILED,
	HITL_THREAD_CANCELLED
} HitlThreadStatus;

typedef enum HitlTaskStatus
{
	HITL_TASK_READY,
	HITL_TASK_DONE,
	HITL_TASK_INTERRUPTED,
	HITL_TASK_FAILED,
	HITL_TASK_CANCELLED
} HitlTaskStatus;

typedef enum HitlInterruptStatus
{
	HITL_INTERRUPT_PENDING,
	HITL_INTERRUPT_DECIDED,
	HITL_INTERRUPT_CANCELLED,
	HITL_INTERRUPT_SUPERSEDED
} HitlInterruptStatus;

typedef enum HitlDecisionType
{
	HITL_DECISION_APPROVE,
	HITL_DECISION_EDIT,
	HITL_DECISION_REJECT,
	HITL_DECISION_RESPOND
} HitlDecisionType;

#define HITL_DECISION_TYPES 4

/* a set of decision types: bit (1 << HitlDecisionType) */
typedef uint8 HitlDecisionSet;

#define HITL_DECISION_BIT(type) ((HitlDecisionSet) (1 << (type)))
#define HITL_DECISION_ALL ((HitlDecisionSet) ((1 << HITL_DECISION_TYPES) - 1))

/* a row of hitl.graph: the name and its owner */
typedef struct HitlGraph
{
	int64		graph_id;
	char	   *name;
	Oid			owner;
	int			version;		/* latest compiled one; HITL_DRAFT if none */
} HitlGraph;

/* a row of hitl.node */
typedef struct HitlNode
{
	char	   *name;
	char	   *handler;		/* draft: as the author wrote it; compiled:
								 * qualified signature */
	Oid			handler_owner;	/* compiled: who owned the function */
} HitlNode;

/* a row of hitl.edge */
typedef struct HitlEdge
{
	char	   *source;
	char	   *target;
} HitlEdge;

/* one version of a graph, whole */
typedef struct HitlGraphVersion
{
	int64		graph_id;
	int			version;
	char	   *name;
	Oid			owner;
	char	   *search_path;	/* compiled: under which its nodes run */
	int			n_nodes;
	HitlNode   *nodes;			/* sorted by name */
	int			n_edges;
	HitlEdge   *edges;			/* sorted by source, target */
	bool		is_ours;		/* made by the current transaction */
} HitlGraphVersion;

/* a row of hitl.thread */
typedef struct HitlThread
{
	int64		thread_id;
	int64		graph_id;
	int			version;
	Oid			owner;
	HitlThreadStatus status;
	int			step;			/* the super-step that runs or ran last */
	int			checkpoint;		/* number of the latest checkpoint */
	bool		is_ours;		/* made by the current transaction */
	bool		is_queued;		/* has a row in the run queue */
} HitlThread;

/* a row of hitl.task */
typedef struct HitlTask
{
	int64		thread_id;
	int64		task_id;
	int			step;
	char	   *node;
	HitlTaskStatus status;
	int			attempt;		/* runs that failed or were put back */
	bool		has_asked;		/* it has opened an interrupt before */
	Jsonb	   *update;			/* done: what the node returned, or NULL */
} HitlTask;

/* how many tasks of a super-step are in which state */
typedef struct HitlTaskCounts
{
	int			ready;
	int			done;
	int			interrupted;
	int			failed;
} HitlTaskCounts;

/* a row of hitl.run_queue, as claimed */
typedef struct HitlQueueEntry
{
	Oid			owner;
	TimestampTz due_at;
	int64		queue_id;
	int64		thread_id;
	int			step;
	int64		task_id;
} HitlQueueEntry;

/* what a node asks: an interrupt before it has an id */
typedef struct HitlQuestion
{
	char	   *key;
	char	   *action;			/* may be NULL */
	Jsonb	   *args;			/* may be NULL */
	char	   *description;	/* may be NULL */
	Jsonb	   *payload;		/* all that the node said; NULL for SQL NULL */
	HitlDecisionSet allowed;
	int64		supersedes;		/* the interrupt whose answer it replaces, or 0 */
} HitlQuestion;

/* a row of hitl.interrupt */
typedef struct HitlInterrupt
{
	int64		interrupt_id;
	int64		thread_id;
	int64		task_id;
	int64		graph_id;
	Oid			owner;			/* the graph's owner */
	int			step;
	char	   *node;
	HitlInterruptStatus status;
	HitlQuestion question;
	Jsonb	   *decision;		/* once settled: the document given to the node */
	char	   *settled_by;		/* may be NULL */
	TimestampTz settled_at;		/* DT_NOBEGIN while pending */
} HitlInterrupt;

/* an error as it is kept with a task: strings are NULL where there is none */
typedef struct HitlError
{
	int			sqlerrcode;
	char	   *message;
	char	   *detail;
	char	   *hint;
	char	   *context;
} HitlError;

#endif							/* HITL_TYPES_H */
