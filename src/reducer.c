/*
 * reducer.c
 *    What the nodes of a super-step wrote, as one change of the state.
 *
 * Each channel (key of the state) takes its updates by its reducer, in the
 * order of the tasks.  A channel without one is overwritten; then two nodes
 * that write it in one super-step have no order between them, so that is an
 * error which names both (LangGraph's InvalidUpdateError).
 *
 * A value marked by hitl.overwrite() takes the place of the channel's (LangGraph's
 * Overwrite); what others write in the same step is reduced onto it, so that
 * nothing is lost.  Two of them have no order between them either.
 *
 * Layer 1: pure; a reducer of the author's is called through a pointer.
 */
#include "postgres.h"

#include "json.h"
#include "names.h"
#include "reducer.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

static const HitlChannel *
find_channel(const HitlGraphVersion *graph, const char *name)
{
	int			low = 0;
	int			high = graph->n_channels - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			order = strcmp(name, graph->channels[middle].name);

		if (order == 0)
			return &graph->channels[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Does any channel take its updates by a function of the author's? */
bool
reducer_has_authors(const HitlGraphVersion *graph)
{
	for (int i = 0; i < graph->n_channels; i++)
		if (graph->channels[i].reducer == HITL_REDUCER_FUNCTION)
			return true;
	return false;
}

/* Does an update write a channel that takes it by a function of the author's? */
bool
reducer_needs_author(const HitlGraphVersion *graph, Jsonb *update)
{
	ListCell   *cell;

	foreach(cell, json_keys(update))
	{
		const HitlChannel *channel = find_channel(graph, lfirst(cell));

		if (channel != NULL && channel->reducer == HITL_REDUCER_FUNCTION)
			return true;
	}
	return false;
}

/* The state before any input: the initial values of the channels. */
Jsonb *
reducer_initial(const HitlGraphVersion *graph)
{
	JsonBuilder b;

	json_begin(&b);
	for (int i = 0; i < graph->n_channels; i++)
		if (graph->channels[i].initial != NULL)
			json_add_jsonb(&b, graph->channels[i].name, graph->channels[i].initial);
	return json_end(&b);
}

static void
refuse_value(const HitlChannel *channel, const char *needed, Jsonb *value)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("channel \"%s\" cannot take this update", channel->name),
			 errdetail("Its reducer \"%s\" needs %s, and this is %s.",
					   name_reducer(channel->reducer), needed, json_type(value)),
			 errhint("Return a value of that kind, or give the channel another reducer.")));
}

/* An array stands for its elements, anything else for itself. */
static List *
as_elements(Jsonb *value)
{
	if (value == NULL || json_is_null(value))
		return NIL;
	return json_is_array(value) ? json_elements(value) : list_make1(value);
}

/* Objects key by key, down to what is no object. */
static Jsonb *
merge_deep(Jsonb *current, Jsonb *update)
{
	Jsonb	   *result = current;
	ListCell   *cell;

	if (!json_is_object(current) || !json_is_object(update))
		return update;
	foreach(cell, json_keys(update))
	{
		const char *key = lfirst(cell);
		Jsonb	   *old = json_get(current, key);
		Jsonb	   *new = json_get(update, key);

		result = json_set(result, key, old != NULL ? merge_deep(old, new) : new);
	}
	return result;
}

static Jsonb *
add_numbers(const HitlChannel *channel, Jsonb *current, Jsonb *update)
{
	JsonbValue	a;
	JsonbValue	b;
	JsonbValue	sum;

	if (!JB_ROOT_IS_SCALAR(update) || !JsonbExtractScalar(&update->root, &b) || b.type != jbvNumeric)
		refuse_value(channel, "a number", update);
	if (current == NULL || json_is_null(current))
		return update;
	if (!JB_ROOT_IS_SCALAR(current) || !JsonbExtractScalar(&current->root, &a) || a.type != jbvNumeric)
		refuse_value(channel, "a number in the channel", current);
	sum.type = jbvNumeric;
	sum.val.numeric = DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a.val.numeric),
														  NumericGetDatum(b.val.numeric)));
	return JsonbValueToJsonb(&sum);
}

/* min and max compare numbers with numbers and strings with strings. */
static void
check_ordered(const HitlChannel *channel, Jsonb *current, Jsonb *update)
{
	const char *type = json_type(update);

	if (strcmp(type, "a number") != 0 && strcmp(type, "a string") != 0)
		refuse_value(channel, "a number or a string", update);
	if (current != NULL && !json_is_null(current) && strcmp(json_type(current), type) != 0)
		refuse_value(channel, psprintf("%s, as the channel has", json_type(current)), update);
}

static int
compare_json(const ListCell *a, const ListCell *b)
{
	return compareJsonbContainers(&((Jsonb *) lfirst(a))->root, &((Jsonb *) lfirst(b))->root);
}

/* A set as a sorted array: the same whatever the order of the updates. */
static Jsonb *
unite(List *elements)
{
	List	   *unique = NIL;
	ListCell   *cell;

	list_sort(elements, compare_json);
	foreach(cell, elements)
		if (unique == NIL || !json_equal(llast(unique), lfirst(cell)))
			unique = lappend(unique, lfirst(cell));
	return json_list(unique);
}

/*
 * A list of messages: one whose "id" is there already takes its place, one of
 * type "remove" takes it away, all others are appended (LangGraph's
 * add_messages).
 */
static List *
upsert_message(const HitlChannel *channel, List *messages, Jsonb *message)
{
	Jsonb	   *id = json_get(message, "id");
	char	   *type = json_get_string(message, "type");
	bool		is_removal = type != NULL && strcmp(type, "remove") == 0;
	int			place = -1;
	ListCell   *cell;

	if (!json_is_object(message))
		refuse_value(channel, "messages, which are objects", message);
	/* null is how some programs write that there is no id */
	if (id != NULL && !json_is_null(id))
		foreach(cell, messages)
			if (json_equal(json_get(lfirst(cell), "id"), id))
				place = foreach_current_index(cell);
	if (place >= 0 && is_removal)
		return list_delete_nth_cell(messages, place);
	if (place >= 0)
		lfirst(list_nth_cell(messages, place)) = message;
	else if (!is_removal)
		messages = lappend(messages, message);
	return messages;
}

/*
 * The value of a channel after all updates of a super-step; current: NULL if
 * it has none.  One pass: ten thousand tasks may append to one array.
 */
static Jsonb *
reduce(const HitlChannel *channel, Jsonb *current, List *updates, HitlReducerCall call, void *arg)
{
	List	   *elements = as_elements(current);
	ListCell   *cell;

	if (channel->reducer == HITL_REDUCER_FUNCTION)
		return call(arg, channel, current, updates);
	foreach(cell, updates)
	{
		Jsonb	   *update = lfirst(cell);

		switch (channel->reducer)
		{
			case HITL_REDUCER_OVERWRITE:
				current = update;
				break;
			case HITL_REDUCER_MERGE:
				if (!json_is_object(update))
					refuse_value(channel, "an object", update);
				current = current != NULL ? merge_deep(current, update) : update;
				break;
			case HITL_REDUCER_ADD:
				current = add_numbers(channel, current, update);
				break;
			case HITL_REDUCER_MIN:
			case HITL_REDUCER_MAX:
				check_ordered(channel, current, update);
				if (current == NULL || json_is_null(current) ||
					(compareJsonbContainers(&update->root, &current->root) < 0) ==
					(channel->reducer == HITL_REDUCER_MIN))
					current = update;
				break;
			case HITL_REDUCER_FUNCTION:
				Assert(false);
				break;
			case HITL_REDUCER_MESSAGES:
				{
					ListCell   *message;

					foreach(message, as_elements(update))
						elements = upsert_message(channel, elements, lfirst(message));
					break;
				}
			case HITL_REDUCER_APPEND:
			case HITL_REDUCER_UNION:
				elements = list_concat(elements, as_elements(update));
				break;
		}
	}
	switch (channel->reducer)
	{
		case HITL_REDUCER_APPEND:
		case HITL_REDUCER_MESSAGES:
			return json_list(elements);
		case HITL_REDUCER_UNION:
			return unite(elements);
		default:
			return current;
	}
}

static void
refuse_second_writer(const char *channel, const char *first, const char *second, const char *what)
{
	bool		is_sorted = strcmp(first, second) <= 0;

	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("two nodes wrote one channel in the same super-step"),
			 errdetail("Nodes \"%s\" and \"%s\" both wrote channel \"%s\", %s.",
					   is_sorted ? first : second, is_sorted ? second : first, channel, what),
			 errhint("Give the channel a reducer by hitl.add_channel(), or let the nodes run one after the other.")));
}

/* what one channel is sent in a super-step */
typedef struct Inbox
{
	const char *name;
	const char *first_writer;
	HitlChannel channel;
	const HitlTask *overwriter; /* whose value takes the place, or NULL */
	Jsonb	   *overwrite;
	List	   *updates;
	int			n_before;		/* of them, those of the tasks before */
} Inbox;

/* The value under a mark; NULL when it is not marked. */
static Jsonb *
marked(Jsonb *update, const char *mark)
{
	return json_is_object(update) && list_length(json_keys(update)) == 1 ? json_get(update, mark) : NULL;
}

Jsonb *
reducer_overwrite(Jsonb *value)
{
	return json_set(json_empty_object(), HITL_OVERWRITE_KEY, value);
}

/* Two updates by one task as one: the second comes after the first. */
Jsonb *
reducer_combine(Jsonb *first, Jsonb *second)
{
	Jsonb	   *both = json_merge(first, second);
	ListCell   *cell;

	foreach(cell, json_keys(second))
	{
		Jsonb	   *before = json_get(first, lfirst(cell));

		if (before != NULL)
			both = json_set(both, lfirst(cell),
							json_set(json_empty_object(), HITL_SEQUENCE_KEY,
									 json_list(list_make2(before, json_get(second, lfirst(cell))))));
	}
	return both;
}

static void
put_update(Inbox *inbox, const HitlTask *task, Jsonb *update)
{
	Jsonb	   *sequence = marked(update, HITL_SEQUENCE_KEY);
	Jsonb	   *overwrite = marked(update, HITL_OVERWRITE_KEY);
	ListCell   *cell;

	if (sequence != NULL && json_is_array(sequence))
	{
		foreach(cell, json_elements(sequence))
			put_update(inbox, task, lfirst(cell));
		return;
	}
	if (overwrite == NULL)
	{
		inbox->updates = lappend(inbox->updates, update);
		return;
	}
	if (inbox->overwriter != NULL && inbox->overwriter != task)
		refuse_second_writer(inbox->name, inbox->overwriter->node, task->node, "each in the place of what is there");
	inbox->overwriter = task;
	inbox->overwrite = overwrite;
	/* what the task has written itself before is gone */
	inbox->updates = list_truncate(inbox->updates, inbox->n_before);
}

/* Sort the updates of the tasks by channel: a list of Inbox. */
static List *
sort_updates(const HitlGraphVersion *graph, List *tasks)
{
	List	   *inboxes = NIL;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		const HitlTask *task = lfirst(cell);
		ListCell   *key;

		if (task->update == NULL)
			continue;
		foreach(key, json_keys(task->update))
		{
			Inbox	   *inbox = NULL;
			ListCell   *other;

			foreach(other, inboxes)
				if (strcmp(((Inbox *) lfirst(other))->name, lfirst(key)) == 0)
					inbox = lfirst(other);
			if (inbox == NULL)
			{
				const HitlChannel *channel = find_channel(graph, lfirst(key));

				inbox = palloc0(sizeof(Inbox));
				inbox->name = lfirst(key);
				inbox->first_writer = task->node;
				if (channel != NULL)
					inbox->channel = *channel;
				inboxes = lappend(inboxes, inbox);
			}
			else if (inbox->channel.reducer == HITL_REDUCER_OVERWRITE)
				refuse_second_writer(inbox->name, inbox->first_writer, task->node, "which has no reducer");
			inbox->n_before = list_length(inbox->updates);
			put_update(inbox, task, json_get(task->update, inbox->name));
		}
	}
	return inboxes;
}

/*
 * tasks: HitlTask* of one super-step, all done, in the order of their ids.
 * Returns an object: the channels that changed with their new values.
 */
Jsonb *
reducer_apply(const HitlGraphVersion *graph, Jsonb *state, List *tasks, HitlReducerCall call, void *arg)
{
	JsonBuilder b;
	ListCell   *cell;

	json_begin(&b);
	foreach(cell, sort_updates(graph, tasks))
	{
		Inbox	   *inbox = lfirst(cell);
		Jsonb	   *value = inbox->overwriter != NULL ? inbox->overwrite : json_get(state, inbox->name);

		/* an overwrite alone is the value, as it is */
		if (inbox->updates != NIL)
			value = reduce(&inbox->channel, value, inbox->updates, call, arg);
		json_add_jsonb(&b, inbox->name, value);
	}
	return json_end(&b);
}
