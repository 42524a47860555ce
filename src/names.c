/*
 * names.c
 *    Enums as the words that SQL shows, and back: the only place.
 *
 * A word that is read back from a row and is not one of these means that the
 * library and the tables do not fit each other: an internal error.
 *
 * Layer 0.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "names.h"

static const char *const thread_words[] = {
	[HITL_THREAD_RUNNING] = "running",
	[HITL_THREAD_INTERRUPTED] = "interrupted",
	[HITL_THREAD_DONE] = "done",
	[HITL_THREAD_FAILED] = "failed",
	[HITL_THREAD_CANCELLED] = "cancelled",
};

static const char *const task_words[] = {
	[HITL_TASK_READY] = "ready",
	[HITL_TASK_DONE] = "done",
	[HITL_TASK_INTERRUPTED] = "interrupted",
	[HITL_TASK_WAITING] = "waiting",
	[HITL_TASK_FAILED] = "failed",
	[HITL_TASK_CANCELLED] = "cancelled",
};

static const char *const task_kind_words[] = {
	[HITL_TASK_NODE] = "node",
	[HITL_TASK_UPDATE] = "update",
	[HITL_TASK_BREAKPOINT] = "breakpoint",
};

static const char *const breakpoint_kind_words[] = {
	[HITL_BREAKPOINT_BEFORE] = "before",
	[HITL_BREAKPOINT_AFTER] = "after",
};

static const char *const interrupt_words[] = {
	[HITL_INTERRUPT_PENDING] = "pending",
	[HITL_INTERRUPT_DECIDED] = "decided",
	[HITL_INTERRUPT_EXPIRED] = "expired",
	[HITL_INTERRUPT_CANCELLED] = "cancelled",
	[HITL_INTERRUPT_SUPERSEDED] = "superseded",
};

static const char *const timer_words[] = {
	[HITL_TIMER_STEP] = "step",
	[HITL_TIMER_WARN] = "warn",
	[HITL_TIMER_DUE] = "due",
	[HITL_TIMER_EXPIRY] = "expiry",
};

static const char *const decision_words[] = {
	[HITL_DECISION_APPROVE] = "approve",
	[HITL_DECISION_EDIT] = "edit",
	[HITL_DECISION_REJECT] = "reject",
	[HITL_DECISION_RESPOND] = "respond",
	[HITL_DECISION_BATCH] = "batch",
};

static const char *const right_words[] = {
	[HITL_RIGHT_AUTHOR] = "author",
	[HITL_RIGHT_REVIEWER] = "reviewer",
	[HITL_RIGHT_OPERATOR] = "operator",
	[HITL_RIGHT_AUDITOR] = "auditor",
	[HITL_RIGHT_PROXY] = "proxy",
};

static const char *const reducer_words[] = {
	[HITL_REDUCER_OVERWRITE] = "overwrite",
	[HITL_REDUCER_APPEND] = "append",
	[HITL_REDUCER_MERGE] = "merge",
	[HITL_REDUCER_ADD] = "add",
	[HITL_REDUCER_MIN] = "min",
	[HITL_REDUCER_MAX] = "max",
	[HITL_REDUCER_UNION] = "union",
	[HITL_REDUCER_MESSAGES] = "messages",
};

static const char *const expiry_words[] = {
	[HITL_EXPIRY_STAY] = "stay",
	[HITL_EXPIRY_REJECT] = "reject",
	[HITL_EXPIRY_APPROVE] = "approve",
	[HITL_EXPIRY_RESPOND] = "respond",
	[HITL_EXPIRY_ROUTE] = "route",
	[HITL_EXPIRY_FAIL] = "fail",
};

static const char *const ladder_action_words[] = {
	[HITL_LADDER_NOTIFY] = "notify",
	[HITL_LADDER_WIDEN] = "widen",
	[HITL_LADDER_REASSIGN] = "reassign",
	[HITL_LADDER_PRIORITY] = "priority",
	[HITL_LADDER_DECIDE] = "decide",
};

static int
word_index(const char *const *words, int n_words, const char *name)
{
	for (int i = 0; i < n_words; i++)
		if (strcmp(words[i], name) == 0)
			return i;
	return -1;
}

static int
stored_word_index(const char *const *words, int n_words, const char *name)
{
	int			i = word_index(words, n_words, name);

	if (i < 0)
		elog(ERROR, "hitl does not know the stored state \"%s\"", name);
	return i;
}

const char *
name_thread_status(HitlThreadStatus status)
{
	return thread_words[status];
}

HitlThreadStatus
name_to_thread_status(const char *name)
{
	return (HitlThreadStatus) stored_word_index(thread_words, lengthof(thread_words), name);
}

const char *
name_task_status(HitlTaskStatus status)
{
	return task_words[status];
}

HitlTaskStatus
name_to_task_status(const char *name)
{
	return (HitlTaskStatus) stored_word_index(task_words, lengthof(task_words), name);
}

const char *
name_task_kind(HitlTaskKind kind)
{
	return task_kind_words[kind];
}

HitlTaskKind
name_to_task_kind(const char *name)
{
	return (HitlTaskKind) stored_word_index(task_kind_words, lengthof(task_kind_words), name);
}

const char *
name_breakpoint_kind(HitlBreakpointKind kind)
{
	return breakpoint_kind_words[kind];
}

HitlBreakpointKind
name_to_breakpoint_kind(const char *name)
{
	return (HitlBreakpointKind) stored_word_index(breakpoint_kind_words, lengthof(breakpoint_kind_words), name);
}

const char *
name_interrupt_status(HitlInterruptStatus status)
{
	return interrupt_words[status];
}

HitlInterruptStatus
name_to_interrupt_status(const char *name)
{
	return (HitlInterruptStatus) stored_word_index(interrupt_words, lengthof(interrupt_words), name);
}

const char *
name_right(HitlRight right)
{
	return right_words[right];
}

HitlRight
name_to_right(const char *name)
{
	return (HitlRight) stored_word_index(right_words, lengthof(right_words), name);
}

const char *
name_timer_kind(HitlTimerKind kind)
{
	return timer_words[kind];
}

HitlTimerKind
name_to_timer_kind(const char *name)
{
	return (HitlTimerKind) stored_word_index(timer_words, lengthof(timer_words), name);
}

const char *
name_decision_type(HitlDecisionType type)
{
	return decision_words[type];
}

HitlDecisionType
name_to_decision_type(const char *name)
{
	return (HitlDecisionType) stored_word_index(decision_words, lengthof(decision_words), name);
}

/*
 * A word that a user wrote: false when it is no type of decision.  "batch" is
 * none that is written: it is what comes of several.
 */
bool
name_find_decision_type(const char *name, HitlDecisionType *type)
{
	int			i = word_index(decision_words, HITL_DECISION_TYPES, name);

	if (i < 0)
		return false;
	*type = (HitlDecisionType) i;
	return true;
}

const char *
name_reducer(HitlReducer reducer)
{
	return reducer_words[reducer];
}

/* A word that a user wrote: false when it is no reducer of ours. */
bool
name_find_reducer(const char *name, HitlReducer *reducer)
{
	int			i = word_index(reducer_words, lengthof(reducer_words), name);

	if (i < 0)
		return false;
	*reducer = (HitlReducer) i;
	return true;
}

const char *
name_expiry(HitlExpiry expiry)
{
	return expiry_words[expiry];
}

/* A word that a user wrote: false when it is no way to expire. */
bool
name_find_expiry(const char *name, HitlExpiry *expiry)
{
	int			i = word_index(expiry_words, lengthof(expiry_words), name);

	if (i < 0)
		return false;
	*expiry = (HitlExpiry) i;
	return true;
}

const char *
name_ladder_action(HitlLadderAction action)
{
	return ladder_action_words[action];
}

/* A word that a user wrote: false when no step of a ladder does that. */
bool
name_find_ladder_action(const char *name, HitlLadderAction *action)
{
	int			i = word_index(ladder_action_words, lengthof(ladder_action_words), name);

	if (i < 0)
		return false;
	*action = (HitlLadderAction) i;
	return true;
}

/* "approve, reject": for messages, in the caller's context */
char *
name_decision_list(HitlDecisionSet set)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < HITL_DECISION_TYPES; i++)
		if (set & HITL_DECISION_BIT(i))
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", decision_words[i]);
	return list.data;
}
