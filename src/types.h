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

/* a breakpoint that is for every node, and one that is for every graph */
#define HITL_ALL_NODES "*"
#define HITL_ALL_GRAPHS 0

/* the version of a graph that is still being written */
#define HITL_DRAFT 0

/*
 * What a thread's row says.  A thread with a row in the run queue is shown as
 * running whatever its row says: a vote queues a task and never touches the
 * thread (see tree_status()).
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
	HITL_TASK_WAITING,			/* for its child, the thread of a subgraph */
	HITL_TASK_FAILED,
	HITL_TASK_CANCELLED
} HitlTaskStatus;

/* what a task is to do */
typedef enum HitlTaskKind
{
	HITL_TASK_NODE,				/* run its node */
	HITL_TASK_UPDATE,			/* as if its node had returned the task's
								 * input: START with what a thread is given */
	HITL_TASK_BREAKPOINT		/* ask behind its node; the input says where
								 * the thread goes then */
} HitlTaskKind;

/* where a breakpoint stops */
typedef enum HitlBreakpointKind
{
	HITL_BREAKPOINT_BEFORE,		/* in front of a node and its gate */
	HITL_BREAKPOINT_AFTER		/* behind the super-step of a node */
} HitlBreakpointKind;

typedef enum HitlInterruptStatus
{
	HITL_INTERRUPT_PENDING,
	HITL_INTERRUPT_DECIDED,
	HITL_INTERRUPT_EXPIRED,		/* its deadline has passed, and decided it */
	HITL_INTERRUPT_CANCELLED,
	HITL_INTERRUPT_SUPERSEDED
} HitlInterruptStatus;

typedef enum HitlDecisionType
{
	HITL_DECISION_APPROVE,
	HITL_DECISION_EDIT,
	HITL_DECISION_REJECT,
	HITL_DECISION_RESPOND,
	HITL_DECISION_BATCH			/* of the actions of a batch, some one way and
								 * some another */
} HitlDecisionType;

/* those that may be allowed: a batch is decided by them */
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

/* how a channel takes the updates of a super-step */
typedef enum HitlReducer
{
	HITL_REDUCER_OVERWRITE,		/* at most one writer */
	HITL_REDUCER_APPEND,		/* arrays joined; anything else is an element */
	HITL_REDUCER_MERGE,			/* objects, deep */
	HITL_REDUCER_ADD,			/* numbers */
	HITL_REDUCER_MIN,
	HITL_REDUCER_MAX,
	HITL_REDUCER_UNION,			/* a set, kept as a sorted array */
	HITL_REDUCER_MESSAGES,		/* a list of objects, upsert by "id" */
	HITL_REDUCER_FUNCTION		/* the author's: f(jsonb, jsonb) returns jsonb,
								 * or an aggregate of jsonb */
} HitlReducer;

/* a function that a graph names: as written, then resolved by compile() */
typedef struct HitlFunction
{
	char	   *signature;		/* draft: as the author wrote it; compiled:
								 * qualified */
	Oid			owner;			/* compiled: who owned it */
	char	   *code_hash;		/* compiled: what its code was; see code.c */
	char	   *shadow;			/* compiled and pinned: the copy to call, or
								 * NULL */
} HitlFunction;

typedef struct HitlChannel
{
	char	   *name;
	HitlReducer reducer;
	HitlFunction function;		/* HITL_REDUCER_FUNCTION */
	Jsonb	   *initial;		/* NULL: the channel is not there at first */
} HitlChannel;

/* when and how often a node that fails is run again */
typedef struct HitlRetry
{
	int			max_attempts;	/* runs in all; 1: never again */
	double		initial_interval;	/* seconds */
	double		backoff_factor;
	double		max_interval;	/* seconds */
	bool		jitter;
	List	   *retry_on;		/* SQLSTATEs (5) or classes (2), as C strings;
								 * NIL: all errors */
} HitlRetry;

/* a question in front of a node */
typedef struct HitlGate
{
	char	   *action;
	char	   *description;	/* may be NULL */
	char	   *args;			/* where in the state the args are: "$.a.b" */
	List	   *path;			/* the same as keys; NIL: the whole state */
	char	   *skip_when;		/* jsonpath predicate on the args, or NULL */
	HitlDecisionSet allowed;
	char	   *on_reject;		/* a node, or END */
	char	   *feedback_key;	/* the channel that a reject or a response goes to */
	char	   *policy;			/* by name, or NULL */
	bool		runs_on_respond;	/* else the response is the node's output */
} HitlGate;

/* a graph as a node of another one */
typedef struct HitlSubgraph
{
	char	   *graph;
	int64		graph_id;		/* compiled */
	int			version;		/* compiled, or as the author fixed it; 0: the
								 * latest */
	Jsonb	   *input;			/* the child's key -> the parent's; NULL: all
								 * that the node is given */
	Jsonb	   *output;			/* the parent's key -> the child's; NULL: what
								 * the child has changed */
} HitlSubgraph;

typedef struct HitlNode
{
	char	   *name;
	HitlFunction handler;		/* a node is a function ... */
	char	   *sql;			/* ... or a statement ... */
	HitlSubgraph *subgraph;		/* ... or a graph; the others are NULL */
	HitlRetry	retry;
	int			timeout_ms;		/* 0: that of hitl.node_timeout */
	HitlGate   *gate;			/* NULL: none */
	List	   *destinations;	/* where its commands may lead, as C strings;
								 * NIL: anywhere */
	bool		continues;		/* at a pause: it goes on behind the statement
								 * that asked; else it runs again */
	bool		stops_before;	/* the graph has a breakpoint there */
	bool		stops_after;
} HitlNode;

typedef struct HitlEdge
{
	char	   *source;
	char	   *target;
} HitlEdge;

/* target runs once all sources have, in whichever super-steps */
typedef struct HitlJoin
{
	int			n_sources;
	char	  **sources;		/* sorted */
	char	   *target;
} HitlJoin;

/* where to go after source is said by a function of the state */
typedef struct HitlBranch
{
	char	   *source;
	HitlFunction router;
	Jsonb	   *map;			/* what it returns -> node; NULL: it returns nodes */
} HitlBranch;

/* one version of a graph, whole: a definition document as structs */
typedef struct HitlGraphVersion
{
	int64		graph_id;
	int			version;
	char	   *name;
	Oid			owner;
	char	   *search_path;	/* compiled: under which its nodes run */
	bool		is_ours;		/* made by the current transaction */
	int			recursion_limit;
	bool		is_pinned;		/* runs copies of its functions */
	int			n_channels;
	HitlChannel *channels;		/* sorted by name, as all that follow */
	int			n_nodes;
	HitlNode   *nodes;
	int			n_edges;
	HitlEdge   *edges;			/* by source, target */
	int			n_joins;
	HitlJoin   *joins;			/* in the order of the document */
	int			n_branches;
	HitlBranch *branches;		/* likewise */
	List	   *interrupt_before;	/* names of nodes or HITL_ALL_NODES, as C
									 * strings, sorted */
	List	   *interrupt_after;
	List	   *functions;		/* compiled: all that it recorded, HitlFunction */
} HitlGraphVersion;

/* how many tasks of a super-step are not done, and why */
typedef struct HitlTaskCounts
{
	int			ready;
	int			interrupted;
	int			waiting;
	int			failed;
} HitlTaskCounts;

/* some threads */
typedef struct HitlIds
{
	int			n;
	int64	   *ids;
} HitlIds;

/*
 * A row of hitl.thread.  A child is the thread of a subgraph: a task of its
 * parent waits for it.  The root is the thread that somebody started.
 */
typedef struct HitlThread
{
	int64		thread_id;
	int64		root_id;		/* a root's is its own */
	int64		parent_id;		/* 0: a root, as all that follows */
	int			parent_step;
	int64		parent_task_id;
	int			depth;
	List	   *frame;			/* the nodes above it, outermost first, as C
								 * strings */
	int64		graph_id;
	int			version;
	Oid			owner;
	HitlThreadStatus status;
	int			step;			/* the super-step that runs or ran last */
	int			checkpoint;		/* number of the latest checkpoint */
	HitlTaskCounts counts;		/* of the tasks of that step */
	bool		is_ours;		/* made by the current transaction */
	int			turn_step;		/* the step that took the latest input in, or 0:
								 * from there the recursion limit counts */
	int			n_inputs;		/* how many more wait for its end */
	bool		is_queued;		/* has a row in the run queue */
	int64		forked_from;	/* to insert it: the thread that it is a fork
								 * of, or 0, ... */
	int			forked_checkpoint;	/* ... and the checkpoint */
} HitlThread;

/* in the place of a super-step: there is none */
#define HITL_NO_STEP (-1)

/* what a checkpoint changed in the state: see delta.c */
typedef struct HitlDelta
{
	Jsonb	   *values;			/* channels with their new values */
	Jsonb	   *patch;			/* channels with how their old value changed;
								 * NULL: none */
} HitlDelta;

/* a row of hitl.breakpoint */
typedef struct HitlBreakpoint
{
	int64		graph_id;		/* or HITL_ALL_GRAPHS */
	char	   *node;			/* or HITL_ALL_NODES */
	HitlBreakpointKind kind;
} HitlBreakpoint;

/* where a thread goes: a node with the state, or with an input of its own */
typedef struct HitlTarget
{
	char	   *node;			/* may be END */
	Jsonb	   *input;			/* NULL: the state */
} HitlTarget;

/* what to do with more input to a thread that is not at its end */
typedef enum HitlIfBusy
{
	HITL_IF_BUSY_REJECT,
	HITL_IF_BUSY_ENQUEUE,
	HITL_IF_BUSY_SUPERSEDE
} HitlIfBusy;

/* a row of hitl.task */
typedef struct HitlTask
{
	int64		thread_id;
	int64		task_id;
	int			step;
	char	   *node;			/* may be START */
	HitlTaskKind kind;
	HitlTaskStatus status;
	int			attempt;		/* runs that failed */
	int			failures;		/* those since it was last retried by hand */
	int			conflicts;		/* runs that were put back */
	int			crashes;		/* runs that ended their process, since it was
								 * last retried by hand */
	TransactionId version;		/* claimed: of its row */
	int			phase;			/* in which a node in C goes on; 0 at first */
	Jsonb	   *saved;			/* what it has kept for that; may be NULL */
	int64		phase_interrupt;	/* the question it paused with; 0: none */
	bool		has_asked;		/* it has opened an interrupt before */
	bool		has_steps;		/* results of steps are kept for it */
	int64		child_id;		/* the thread of its subgraph; 0: none yet */
	Jsonb	   *input;			/* a send's, or that of the kind; NULL: the
								 * state */
	Jsonb	   *update;			/* done: what the node returned, or NULL;
								 * waiting: what its gate has written */
	List	   *targets;		/* done: HitlTarget, said by its command and by
								 * its conditional edges */
	bool		is_diverted;	/* done: its gate was rejected, only targets
								 * count */
} HitlTask;

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

/* a row of hitl.step_result, or what a node wants done before there is one */
typedef struct HitlStep
{
	char	   *key;
	char	   *function;		/* qualified signature */
	Jsonb	   *args;			/* NULL for SQL NULL */
	Jsonb	   *result;			/* likewise, once it is done */
	int			strays;			/* passes in a row, the last among them, that
								 * did not ask for the step before theirs */
} HitlStep;

/* what a node asks: an interrupt before it has an id */
typedef struct HitlQuestion
{
	char	   *key;
	char	   *action;			/* may be NULL */
	Jsonb	   *args;			/* may be NULL */
	char	   *description;	/* may be NULL */
	Jsonb	   *payload;		/* all that the node said; NULL for SQL NULL */
	HitlDecisionSet allowed;
	char	   *policy;			/* the policy that it asks for by name, or NULL */
	int64		supersedes;		/* the interrupt whose answer it replaces, or 0 */
	const struct HitlPolicy *under; /* what was chosen for it, before it is
									 * opened: the policy, or NULL; ... */
	char	   *rule;			/* ... the rule that chose it, or NULL; ... */
	TimestampTz opened_at;		/* ... and, if they are known, the times; ... */
	TimestampTz due_at;			/* ... DT_NOBEGIN: never; ... */
	TimestampTz expires_at;
	List	   *steps;			/* ... those of its ladder, as deadline.c has them */
} HitlQuestion;

/* what a role may be granted: for one graph, or for all */
typedef enum HitlRight
{
	HITL_RIGHT_AUTHOR,			/* create graphs, policies, rules; for all only */
	HITL_RIGHT_REVIEWER,		/* decide what no policy gives to groups */
	HITL_RIGHT_OPERATOR,		/* start, cancel, retry, see what threads do */
	HITL_RIGHT_AUDITOR,			/* read everything, decide nothing */
	HITL_RIGHT_PROXY			/* log in for many people; for all only */
} HitlRight;

/* what somebody wants to do with a graph or its threads */
typedef enum HitlAccess
{
	HITL_ACCESS_OWN,			/* write it, steer its threads: its owner */
	HITL_ACCESS_OPERATE,		/* its owner, operators */
	HITL_ACCESS_WATCH,			/* see what its threads do: auditors too */
	HITL_ACCESS_READ			/* see their state: its owner, auditors */
} HitlAccess;

/* in the place of a rule: it was the gate's own skip_when */
#define HITL_RULE_GATE "gate"

/* what a run was let do without a person: a row of hitl.automatic_verdict */
typedef struct HitlAutomatic
{
	char	   *key;			/* of the question that nobody was asked */
	char	   *action;			/* may be NULL */
	char	   *rule;			/* or HITL_RULE_GATE */
} HitlAutomatic;

/* a row of hitl.rule */
typedef struct HitlRule
{
	int64		rule_id;
	char	   *name;
	Oid			owner;
	int64		policy_id;		/* what it chooses; 0: nothing, it only skips */
	char	   *action;			/* a pattern; NULL: all, as the four that follow */
	int64		graph_id;		/* 0 */
	char	   *node;
	char	   *args;			/* a predicate on the args */
	char	   *skip_when;		/* NULL: never */
	int			priority;		/* lower comes first */
} HitlRule;

/* how many have to agree */
typedef enum HitlQuorumKind
{
	HITL_QUORUM_COUNT,			/* n of those who may decide */
	HITL_QUORUM_GROUPS,			/* so many of each group */
	HITL_QUORUM_WEIGHTS			/* votes weigh as their groups do */
} HitlQuorumKind;

/* a database role as a policy names it, and what it counts */
typedef struct HitlPolicyGroup
{
	char	   *role;
	Oid			oid;			/* of the role that had this name when it was
								 * written; InvalidOid: not known, or it is gone */
	int			needed;			/* of this group; HITL_QUORUM_ALL: all members */
	int			weight;			/* of a vote, where votes weigh */
	bool		has_veto;		/* one reject of it is the end */
} HitlPolicyGroup;

#define HITL_QUORUM_ALL (-1)

/* what happens when the time to decide is over */
typedef enum HitlExpiry
{
	HITL_EXPIRY_STAY,			/* it stays open, and is overdue */
	HITL_EXPIRY_REJECT,
	HITL_EXPIRY_APPROVE,		/* only if the policy says it in so many words */
	HITL_EXPIRY_RESPOND,		/* with a response of the policy's */
	HITL_EXPIRY_ROUTE,			/* the node does not run: the thread goes on at
								 * another one */
	HITL_EXPIRY_FAIL			/* the node's task fails */
} HitlExpiry;

/* decisions of a deadline that no person can give: an expired interrupt's only */
#define HITL_DECISION_ROUTE "route"
#define HITL_DECISION_FAIL "fail"

/* who decided, where a deadline did */
#define HITL_BY_DEADLINE "deadline"

/* what a step of a ladder does */
typedef enum HitlLadderAction
{
	HITL_LADDER_NOTIFY,
	HITL_LADDER_WIDEN,			/* one more role may decide */
	HITL_LADDER_REASSIGN,		/* only that role may decide from now on */
	HITL_LADDER_PRIORITY,
	HITL_LADDER_DECIDE
} HitlLadderAction;

/* a step of a ladder: what to do when nobody has acted by then */
typedef struct HitlLadderStep
{
	int64		after_ms;		/* since it was opened */
	bool		unless_claimed; /* only while nobody holds it; else: while it is
								 * not decided */
	HitlLadderAction action;
	char	   *role;			/* notify (NULL: its audience), widen, reassign */
	int			priority;
	Jsonb	   *decision;		/* decide */
	int			n_repeats;		/* times more, ... */
	int64		every_ms;		/* ... and how far apart */
} HitlLadderStep;

/*
 * One version of a policy, parsed (policy.c says which keys of the document
 * these are, and their defaults).  Never changes.
 */
typedef struct HitlPolicy
{
	int64		policy_id;
	int			version;
	char	   *name;
	Oid			owner;
	HitlDecisionSet allowed;
	HitlQuorumKind quorum;
	int			needed;			/* votes, or weight; HITL_QUORUM_ALL: of all */
	int			n_groups;
	HitlPolicyGroup *groups;	/* none: whoever has the right to decide */
	bool		has_veto;		/* one reject is the end, whoever's */
	bool		starter_may_decide;
	bool		previous_decider_may_decide;	/* of a question reopened */
	bool		editor_may_decide_alone;
	bool		automation_may_decide;
	bool		asserted_may_decide;	/* persons whom an application names */
	bool		may_delegate;
	bool		needs_claim;	/* only who holds it may decide */
	HitlDecisionSet needs_reason;
	List	   *editable;		/* keys of the args, as C strings; NIL and
								 * is_edit_limited: none */
	bool		is_edit_limited;
	Jsonb	   *args_schema;	/* JSON Schema of the final args; may be NULL */
	Jsonb	   *response_schema;
	char	   *validator;		/* qualified signatures; may be NULL */
	char	   *guard;
	char	   *business_time;
	int			priority;
	bool		hides_args;
	int64		due_in_ms;		/* 0: never, as all that follow */
	int64		expires_in_ms;
	int64		warn_before_ms;
	int64		claim_for_ms;	/* 0: hitl.claim_lease */
	HitlExpiry	on_expiry;
	Jsonb	   *expiry_response;	/* RESPOND */
	char	   *expiry_node;	/* ROUTE */
	List	   *notify;			/* roles told when it opens, as C strings */
	List	   *ladder;			/* HitlLadderStep, in order */
} HitlPolicy;

/* a row of hitl.vote; its persons by the names that they have now */
typedef struct HitlVote
{
	int64		interrupt_id;
	int64		vote_id;		/* 0: to be inserted */
	int			revision;		/* of the interrupt: what was voted on */
	const char *voter;			/* the person: session user, or whom a proxy named */
	const char *login;			/* session user */
	const char *role;			/* current user */
	Oid			voter_role;		/* InvalidOid: the person is no role */
	const char *on_behalf_of;	/* the person in whose place it was, or NULL */
	Oid			seat_role;		/* that person's */
	bool		is_asserted;	/* the login named the person */
	bool		is_withdrawal;	/* takes the person's vote back */
	HitlDecisionType type;
	Jsonb	   *answer;
	List	   *groups;			/* of the policy's groups, those that the voter
								 * was in, as C strings */
	const char *comment;		/* may be NULL */
	const char *idempotency_key;	/* may be NULL */
	TimestampTz voted_at;
} HitlVote;

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
	TimestampTz opened_at;
	int64		policy_id;		/* 0: none */
	int			policy_version; /* the one that it opened with */
	char	   *rule;			/* that chose the policy, or NULL */
	int			revision;		/* 1; an edit or a response that is voted on is
								 * one more */
	Jsonb	   *proposal;		/* the answer of that revision, or NULL */
	char	   *proposed_by;
	char	   *content_hash;	/* what a vote on this revision is bound to */
	int			priority;		/* lower comes first */
	TimestampTz due_at;			/* DT_NOBEGIN: no such time, as all that follow */
	TimestampTz expires_at;
	char	   *claimed_by;		/* the person who holds it, or NULL */
	TimestampTz claimed_until;	/* may be infinity */
	int64		reopens;		/* the interrupt that it looks at again, or 0 */
	bool		is_review;		/* that one was acted on: no task waits for the
								 * answer */
	Jsonb	   *decision;		/* once settled: the document given to the node */
	char	   *settled_by;		/* may be NULL */
	TimestampTz settled_at;		/* DT_NOBEGIN while pending */
	bool		is_heard;		/* in a run: the node has been given it */
} HitlInterrupt;

/* what a timer is for; of two at one time, the earlier here comes first */
typedef enum HitlTimerKind
{
	HITL_TIMER_STEP,			/* a step of the ladder */
	HITL_TIMER_WARN,			/* it expires soon */
	HITL_TIMER_DUE,				/* it is overdue */
	HITL_TIMER_EXPIRY			/* the time to decide is over */
} HitlTimerKind;

/* a row of hitl.timer */
typedef struct HitlTimer
{
	int64		interrupt_id;
	HitlTimerKind kind;
	int			step;			/* of the ladder, from 1; else 0 */
	int			round;			/* 0, and one more for each repeat */
	TimestampTz planned_at;
	TimestampTz due_at;			/* later than planned while a claim holds it */
} HitlTimer;

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
