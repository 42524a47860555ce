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
#include "messages.h"
#include "miscadmin.h"
#include "names.h"
#include "reducer.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
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

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

/*
 * Values that come one after the other, merged into the last: objects key by
 * key, at every depth; what is no object takes the place of all before it.
 * Pushes the result.  All of them in one pass: one by one, ten thousand tasks
 * that add a key each would copy the object ten thousand times.
 */
static JsonbValue *
push_merged(JsonbParseState **state, JsonbIteratorToken token, JsonbValue *values, int n_values)
{
	int			first = n_values;
	int			n_objects;
	Size		n_fields;
	JsonbContainer **objects;
	JsonField  *fields;
	JsonbValue *merged;

	check_stack_depth();
	while (first > 0 && is_object(&values[first - 1]))
		first--;
	n_objects = n_values - first;
	if (n_objects < 2)
		return pushJsonbValue(state, token, &values[n_values - 1]);

	objects = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(JsonbContainer *) * n_objects);
	for (int i = 0; i < n_objects; i++)
		objects[i] = values[first + i].val.binary.data;
	fields = json_fields(objects, n_objects, &n_fields);
	merged = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(JsonbValue) * n_objects);
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (Size i = 0; i < n_fields;)
	{
		JsonField  *field = &fields[i];
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		while (i < n_fields && json_same_key(field, &fields[i]))
			merged[n++] = fields[i++].value;
		pushJsonbValue(state, WJB_KEY, &field->key);
		push_merged(state, WJB_VALUE, merged, n);
	}
	pfree(merged);
	pfree(fields);
	pfree(objects);
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* current: NULL if there is none.  updates: objects, at least one. */
static Jsonb *
merge_deep(Jsonb *current, List *updates)
{
	List	   *all = current != NULL ? lcons(current, list_copy(updates)) : updates;
	JsonbValue *values = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(JsonbValue) * list_length(all));
	JsonbParseState *state = NULL;
	ListCell   *cell;

	if (list_length(all) == 1)
		return linitial(all);
	foreach(cell, all)
		JsonbToJsonbValue(lfirst(cell), &values[foreach_current_index(cell)]);
	return JsonbValueToJsonb(push_merged(&state, WJB_VALUE, values, list_length(all)));
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

/* What takes more and more elements. */
static Jsonb *
reduce_elements(const HitlChannel *channel, Jsonb *current, List *updates)
{
	List	   *elements = as_elements(current);
	List	   *added = NIL;
	ListCell   *cell;

	foreach(cell, updates)
	{
		CHECK_FOR_INTERRUPTS();
		added = list_concat(added, as_elements(lfirst(cell)));
	}
	if (channel->reducer == HITL_REDUCER_MESSAGES)
	{
		foreach(cell, added)
			if (!json_is_object(lfirst(cell)))
				refuse_value(channel, "messages, which are objects", lfirst(cell));
		return json_list(messages_upsert(elements, added));
	}
	elements = list_concat(elements, added);
	return channel->reducer == HITL_REDUCER_UNION ? unite(elements) : json_list(elements);
}

/* A value that takes the place of the one before. */
static Jsonb *
reduce_value(const HitlChannel *channel, Jsonb *current, Jsonb *update)
{
	switch (channel->reducer)
	{
		case HITL_REDUCER_ADD:
			return add_numbers(channel, current, update);
		case HITL_REDUCER_MIN:
		case HITL_REDUCER_MAX:
			check_ordered(channel, current, update);
			if (current == NULL || json_is_null(current) ||
				(compareJsonbContainers(&update->root, &current->root) < 0) ==
				(channel->reducer == HITL_REDUCER_MIN))
				return update;
			return current;
		default:
			return update;
	}
}

/*
 * The value of a channel after all updates of a super-step; current: NULL if
 * it has none.  What grows is built in one pass: ten thousand tasks may write
 * one channel.
 */
static Jsonb *
reduce(const HitlChannel *channel, Jsonb *current, List *updates, HitlReducerCall call, void *arg)
{
	ListCell   *cell;

	switch (channel->reducer)
	{
		case HITL_REDUCER_FUNCTION:
			return call(arg, channel, current, updates);
		case HITL_REDUCER_MERGE:
			foreach(cell, updates)
				if (!json_is_object(lfirst(cell)))
					refuse_value(channel, "an object", lfirst(cell));
			return merge_deep(current, updates);
		case HITL_REDUCER_MESSAGES:
		case HITL_REDUCER_APPEND:
		case HITL_REDUCER_UNION:
			return reduce_elements(channel, current, updates);
		default:
			break;
	}
	foreach(cell, updates)
		current = reduce_value(channel, current, lfirst(cell));
	return current;
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
	return json_is_object(update) && JB_ROOT_COUNT(update) == 1 ? json_get(update, mark) : NULL;
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
	JsonbContainer *objects[] = {&first->root, &second->root};
	Size		n;
	JsonField  *fields = json_fields(objects, 2, &n);
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (Size i = 0; i < n; i++)
	{
		JsonField  *field = &fields[i];
		JsonbValue	mark = {.type = jbvString};

		CHECK_FOR_INTERRUPTS();
		pushJsonbValue(&state, WJB_KEY, &field->key);
		if (i + 1 == n || !json_same_key(field, &fields[i + 1]))
		{
			pushJsonbValue(&state, WJB_VALUE, &field->value);
			continue;
		}
		mark.val.string.val = HITL_SEQUENCE_KEY;
		mark.val.string.len = strlen(HITL_SEQUENCE_KEY);
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		pushJsonbValue(&state, WJB_KEY, &mark);
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		pushJsonbValue(&state, WJB_ELEM, &field->value);
		pushJsonbValue(&state, WJB_ELEM, &fields[++i].value);
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
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

/* What the fields of one channel come to; writers: of the fields' objects. */
static Inbox
read_inbox(const HitlGraphVersion *graph, const HitlTask **writers, JsonField *fields, Size n_fields)
{
	Inbox		inbox = {0};
	const HitlChannel *channel;

	inbox.name = pnstrdup(fields[0].key.val.string.val, fields[0].key.val.string.len);
	channel = find_channel(graph, inbox.name);
	if (channel != NULL)
		inbox.channel = *channel;
	for (Size i = 0; i < n_fields; i++)
	{
		const HitlTask *task = writers[fields[i].object];

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && inbox.channel.reducer == HITL_REDUCER_OVERWRITE)
			refuse_second_writer(inbox.name, writers[fields[0].object]->node, task->node, "which has no reducer");
		inbox.n_before = list_length(inbox.updates);
		put_update(&inbox, task, JsonbValueToJsonb(&fields[i].value));
	}
	return inbox;
}

/* What the tasks wrote, by channel and then in their order. */
static JsonField *
sort_updates(List *tasks, const HitlTask **writers, Size *n_fields)
{
	JsonbContainer **objects = palloc(sizeof(JsonbContainer *) * Max(list_length(tasks), 1));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		const HitlTask *task = lfirst(cell);

		if (task->update == NULL)
			continue;
		objects[n] = &task->update->root;
		writers[n++] = task;
	}
	return json_fields(objects, n, n_fields);
}

/*
 * tasks: HitlTask* of one super-step, all done, in the order of their ids.
 * Returns an object: the channels that changed with their new values.
 */
Jsonb *
reducer_apply(const HitlGraphVersion *graph, Jsonb *state, List *tasks, HitlReducerCall call, void *arg)
{
	const HitlTask **writers = palloc(sizeof(HitlTask *) * Max(list_length(tasks), 1));
	Size		n;
	JsonField  *fields = sort_updates(tasks, writers, &n);
	JsonBuilder b;
	Size		next;

	json_begin(&b);
	for (Size i = 0; i < n; i = next)
	{
		Inbox		inbox;
		Jsonb	   *value;

		for (next = i + 1; next < n && json_same_key(&fields[i], &fields[next]);)
			next++;
		inbox = read_inbox(graph, writers, &fields[i], next - i);
		value = inbox.overwriter != NULL ? inbox.overwrite : json_get(state, inbox.name);
		/* an overwrite alone is the value, as it is */
		if (inbox.updates != NIL)
			value = reduce(&inbox.channel, value, inbox.updates, call, arg);
		json_add_jsonb(&b, inbox.name, value);
	}
	return json_end(&b);
}
