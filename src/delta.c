/*
 * delta.c
 *    What changed in a state, written down as briefly as it changed.
 *
 * A channel that is replaced stands in a delta with its new value.  One that
 * grew, or changed deep inside, stands there with a patch of its old value,
 * where that is shorter: an append-only list of n messages would otherwise
 * cost n squared.  A patch is an object:
 *
 *   of an array    {"keep": n, "add": [...]}: its first n elements, then these
 *   of an object   {"cut": ["key"], "set": {"key": value}, "in": {"key": patch}}
 *                  in this order; what is empty is left out
 *
 * Values are compared byte by byte, not as jsonb compares them: 1.0 is not
 * 1.00 here, and delta_apply(state, delta_make(state, changes)) is exactly the
 * state with the changes laid over it.
 *
 * Layer 1: pure.  A fold of many deltas takes values apart only where a patch
 * goes into them, and puts them together once, at the end: it costs what it
 * reads.
 */
#include "postgres.h"

#include "delta.h"
#include "json.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* what a row of the log takes beside its documents */
#define ROW_BYTES 80

/* --------------------------------------------------------------------- making */

/* The same bytes?  Both are values in a container. */
static bool
is_same(const JsonbValue *a, const JsonbValue *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type)
	{
		case jbvNull:
			return true;
		case jbvBool:
			return a->val.boolean == b->val.boolean;
		case jbvString:
			return a->val.string.len == b->val.string.len &&
				memcmp(a->val.string.val, b->val.string.val, a->val.string.len) == 0;
		case jbvNumeric:
			return VARSIZE_ANY(a->val.numeric) == VARSIZE_ANY(b->val.numeric) &&
				memcmp(a->val.numeric, b->val.numeric, VARSIZE_ANY(a->val.numeric)) == 0;
		case jbvBinary:
			return a->val.binary.len == b->val.binary.len &&
				memcmp(a->val.binary.data, b->val.binary.data, a->val.binary.len) == 0;
		default:
			return false;
	}
}

static JsonbValue *
find_key(JsonbContainer *object, const JsonbValue *key)
{
	return getKeyJsonValueFromContainer(object, key->val.string.val, key->val.string.len, NULL);
}

static void
push_key(JsonBuilder *b, const char *key)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = (char *) key;
	v.val.string.len = strlen(key);
	pushJsonbValue(&b->state, WJB_KEY, &v);
}

static Jsonb *
array_patch(JsonbContainer *before, JsonbContainer *after)
{
	JsonbIterator *it_before = JsonbIteratorInit(before);
	JsonbIterator *it_after = JsonbIteratorInit(after);
	JsonbIteratorToken token;
	JsonbValue	a;
	JsonbValue	b;
	JsonBuilder patch;
	int			n_kept = 0;

	(void) JsonbIteratorNext(&it_before, &a, true);
	(void) JsonbIteratorNext(&it_after, &b, true);
	for (;;)
	{
		JsonbIteratorToken old = JsonbIteratorNext(&it_before, &a, true);

		CHECK_FOR_INTERRUPTS();
		token = JsonbIteratorNext(&it_after, &b, true);
		if (old != WJB_ELEM || token != WJB_ELEM || !is_same(&a, &b))
			break;
		n_kept++;
	}
	if (n_kept == 0)
		return NULL;

	json_begin(&patch);
	json_add_int64(&patch, "keep", n_kept);
	if (token == WJB_ELEM)
	{
		push_key(&patch, "add");
		pushJsonbValue(&patch.state, WJB_BEGIN_ARRAY, NULL);
		for (; token == WJB_ELEM; token = JsonbIteratorNext(&it_after, &b, true))
			pushJsonbValue(&patch.state, WJB_ELEM, &b);
		pushJsonbValue(&patch.state, WJB_END_ARRAY, NULL);
	}
	return json_end(&patch);
}

static Jsonb *make_patch(const JsonbValue *before, const JsonbValue *after);

/* Changes of the keys of an object: set to new values, or patched. */
static void
make_changes(JsonbContainer *before, JsonbContainer *after, Jsonb **set, Jsonb **in)
{
	JsonbIterator *it = JsonbIteratorInit(after);
	JsonBuilder set_builder;
	JsonBuilder in_builder;
	bool		has_set = false;
	bool		has_in = false;
	JsonbValue	v;
	JsonbValue	key;

	json_begin(&set_builder);
	json_begin(&in_builder);
	(void) JsonbIteratorNext(&it, &v, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		JsonbValue *old = find_key(before, &key);
		Jsonb	   *patch;

		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&it, &v, true);
		if (old != NULL && is_same(old, &v))
			continue;
		patch = old != NULL ? make_patch(old, &v) : NULL;
		if (patch != NULL)
		{
			json_add_jsonb(&in_builder, pnstrdup(key.val.string.val, key.val.string.len), patch);
			has_in = true;
		}
		else
		{
			pushJsonbValue(&set_builder.state, WJB_KEY, &key);
			pushJsonbValue(&set_builder.state, WJB_VALUE, &v);
			has_set = true;
		}
	}
	*set = has_set ? json_end(&set_builder) : NULL;
	*in = has_in ? json_end(&in_builder) : NULL;
}

static Jsonb *
object_patch(JsonbContainer *before, JsonbContainer *after)
{
	JsonbIterator *it = JsonbIteratorInit(before);
	JsonBuilder patch;
	List	   *cut = NIL;
	Jsonb	   *set;
	Jsonb	   *in;
	JsonbValue	v;
	JsonbValue	key;

	(void) JsonbIteratorNext(&it, &v, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &v, true);
		if (find_key(after, &key) == NULL)
			cut = lappend(cut, pnstrdup(key.val.string.val, key.val.string.len));
	}
	make_changes(before, after, &set, &in);

	json_begin(&patch);
	if (cut != NIL)
		json_add_jsonb(&patch, "cut", json_string_list(cut));
	if (set != NULL)
		json_add_jsonb(&patch, "set", set);
	if (in != NULL)
		json_add_jsonb(&patch, "in", in);
	return json_end(&patch);
}

/*
 * How to make after of before; NULL when that is not shorter than after.
 * Scalars are never worth it.
 */
static Jsonb *
make_patch(const JsonbValue *before, const JsonbValue *after)
{
	Jsonb	   *patch = NULL;

	check_stack_depth();
	if (before->type != jbvBinary || after->type != jbvBinary)
		return NULL;
	if (JsonContainerIsArray(before->val.binary.data) && JsonContainerIsArray(after->val.binary.data))
		patch = array_patch(before->val.binary.data, after->val.binary.data);
	else if (JsonContainerIsObject(before->val.binary.data) && JsonContainerIsObject(after->val.binary.data))
		patch = object_patch(before->val.binary.data, after->val.binary.data);
	if (patch == NULL || VARSIZE(patch) >= (Size) after->val.binary.len)
		return NULL;
	return patch;
}

/*
 * What the changes of a state, channels with their new values, come down to.
 * A channel that is as it was is left out.
 */
HitlDelta
delta_make(Jsonb *state, Jsonb *changes)
{
	HitlDelta	delta;

	make_changes(&state->root, &changes->root, &delta.values, &delta.patch);
	if (delta.values == NULL)
		delta.values = json_empty_object();
	return delta;
}

/* ------------------------------------------------------------------- applying */

/* a value that is taken apart as far as patches go into it */
typedef struct Tree
{
	JsonbValue	leaf;			/* is_open: not used */
	bool		is_open;
	bool		is_array;
	int			n_items;
	int			n_room;
	struct Tree *items;
	JsonbValue *keys;			/* of an object, as jsonb sorts them */
} Tree;

static void
refuse_patch(void)
{
	elog(ERROR, "hitl cannot apply a patch of its log");
}

/* Make room for more items. */
static void
make_room(Tree *tree, int n)
{
	if (tree->n_items + n > tree->n_room)
	{
		tree->n_room = Max(tree->n_items + n, Max(tree->n_room * 2, 8));
		tree->items = tree->items == NULL
			? MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Tree) * tree->n_room)
			: repalloc_huge(tree->items, sizeof(Tree) * tree->n_room);
		if (!tree->is_array)
			tree->keys = tree->keys == NULL
				? MemoryContextAllocHuge(CurrentMemoryContext, sizeof(JsonbValue) * tree->n_room)
				: repalloc_huge(tree->keys, sizeof(JsonbValue) * tree->n_room);
	}
}

static Tree *
append_item(Tree *tree)
{
	make_room(tree, 1);
	memset(&tree->items[tree->n_items], 0, sizeof(Tree));
	return &tree->items[tree->n_items++];
}

/* Take a value apart by one level. */
static void
open_tree(Tree *tree)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (tree->is_open)
		return;
	if (tree->leaf.type != jbvBinary)
		refuse_patch();
	tree->is_open = true;
	tree->is_array = JsonContainerIsArray(tree->leaf.val.binary.data);
	it = JsonbIteratorInit(tree->leaf.val.binary.data);
	(void) JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) == WJB_KEY || token == WJB_ELEM)
	{
		Tree	   *item = append_item(tree);

		if (token == WJB_KEY)
		{
			tree->keys[tree->n_items - 1] = v;
			(void) JsonbIteratorNext(&it, &v, true);
		}
		item->leaf = v;
	}
}

/* jsonb sorts keys by length, then by bytes. */
static int
compare_keys(const JsonbValue *a, const JsonbValue *b)
{
	if (a->val.string.len != b->val.string.len)
		return a->val.string.len < b->val.string.len ? -1 : 1;
	return memcmp(a->val.string.val, b->val.string.val, a->val.string.len);
}

/* Where a key of an object is, or where it would be. */
static int
find_place(const Tree *tree, const JsonbValue *key, bool *is_there)
{
	int			low = 0;
	int			high = tree->n_items;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			order = compare_keys(&tree->keys[middle], key);

		*is_there = order == 0;
		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*is_there = false;
	return low;
}

/*
 * Set keys to values.  Both are sorted: so the new ones go in from the end in
 * one move, however many they are.
 */
static void
set_keys(Tree *tree, JsonbContainer *values)
{
	JsonbContainer *objects[] = {values};
	Size		n_fields;
	JsonField  *fields = json_fields(objects, 1, &n_fields);
	int		   *places = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * Max(n_fields, 1));
	int			n_new = 0;
	int			end = tree->n_items;	/* of what is not moved yet */

	/* where each goes; what is there is replaced, and is no new one */
	for (Size i = 0; i < n_fields; i++)
	{
		bool		is_there;
		int			place = find_place(tree, &fields[i].key, &is_there);

		CHECK_FOR_INTERRUPTS();
		if (is_there)
		{
			memset(&tree->items[place], 0, sizeof(Tree));
			tree->items[place].leaf = fields[i].value;
			continue;
		}
		fields[n_new] = fields[i];
		places[n_new++] = place;
	}
	make_room(tree, n_new);
	tree->n_items += n_new;
	for (int i = n_new - 1; i >= 0; i--)
	{
		int			place = places[i];

		memmove(&tree->items[place + i + 1], &tree->items[place], sizeof(Tree) * (end - place));
		memmove(&tree->keys[place + i + 1], &tree->keys[place], sizeof(JsonbValue) * (end - place));
		memset(&tree->items[place + i], 0, sizeof(Tree));
		tree->items[place + i].leaf = fields[i].value;
		tree->keys[place + i] = fields[i].key;
		end = place;
	}
	pfree(places);
	pfree(fields);
}

static void
cut_keys(Tree *tree, JsonbContainer *keys)
{
	JsonbIterator *it = JsonbIteratorInit(keys);
	bool	   *is_cut = MemoryContextAllocExtended(CurrentMemoryContext, tree->n_items + 1,
													MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int			n_left = 0;
	JsonbValue	key;

	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_ELEM)
	{
		bool		is_there;
		int			place = find_place(tree, &key, &is_there);

		CHECK_FOR_INTERRUPTS();
		if (!is_there)
			refuse_patch();
		is_cut[place] = true;
	}
	for (int i = 0; i < tree->n_items; i++)
	{
		if (is_cut[i])
			continue;
		if (n_left < i)
		{
			tree->items[n_left] = tree->items[i];
			tree->keys[n_left] = tree->keys[i];
		}
		n_left++;
	}
	tree->n_items = n_left;
	pfree(is_cut);
}

/* A part of a patch; NULL when it has none of that name. */
static JsonbContainer *
patch_part(JsonbContainer *patch, const char *name)
{
	JsonbValue *v = getKeyJsonValueFromContainer(patch, name, strlen(name), NULL);

	return v != NULL && v->type == jbvBinary ? v->val.binary.data : NULL;
}

static void apply_patch(Tree *tree, JsonbContainer *patch);

/* Patch the values of keys. */
static void
patch_keys(Tree *tree, JsonbContainer *patches)
{
	JsonbIterator *it = JsonbIteratorInit(patches);
	JsonbValue	key;
	JsonbValue	v;

	(void) JsonbIteratorNext(&it, &v, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		bool		is_there;
		int			place = find_place(tree, &key, &is_there);

		(void) JsonbIteratorNext(&it, &v, true);
		if (!is_there || v.type != jbvBinary)
			refuse_patch();
		apply_patch(&tree->items[place], v.val.binary.data);
	}
}

static void
apply_patch(Tree *tree, JsonbContainer *patch)
{
	JsonbContainer *part;
	double		n_kept;

	check_stack_depth();
	open_tree(tree);
	if (tree->is_array)
	{
		JsonbIterator *it;
		JsonbValue	v;
		JsonbValue *keep = getKeyJsonValueFromContainer(patch, "keep", strlen("keep"), NULL);

		if (keep == NULL || !json_get_number(JsonbValueToJsonb(keep), &n_kept) || n_kept > tree->n_items)
			refuse_patch();
		tree->n_items = (int) n_kept;
		if ((part = patch_part(patch, "add")) == NULL)
			return;
		it = JsonbIteratorInit(part);
		(void) JsonbIteratorNext(&it, &v, true);
		while (JsonbIteratorNext(&it, &v, true) == WJB_ELEM)
			append_item(tree)->leaf = v;
		return;
	}
	if ((part = patch_part(patch, "cut")) != NULL)
		cut_keys(tree, part);
	if ((part = patch_part(patch, "set")) != NULL)
		set_keys(tree, part);
	if ((part = patch_part(patch, "in")) != NULL)
		patch_keys(tree, part);
}

/* Put a value together again. */
static JsonbValue *
push_tree(JsonbParseState **state, JsonbIteratorToken token, Tree *tree)
{
	if (!tree->is_open)
		return pushJsonbValue(state, token, &tree->leaf);
	pushJsonbValue(state, tree->is_array ? WJB_BEGIN_ARRAY : WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < tree->n_items; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!tree->is_array)
			pushJsonbValue(state, WJB_KEY, &tree->keys[i]);
		push_tree(state, tree->is_array ? WJB_ELEM : WJB_VALUE, &tree->items[i]);
	}
	return pushJsonbValue(state, tree->is_array ? WJB_END_ARRAY : WJB_END_OBJECT, NULL);
}

/* Lay n deltas over a state, in their order. */
Jsonb *
delta_apply(Jsonb *state, const HitlDelta *deltas, int n)
{
	Tree		tree = {0};
	JsonbParseState *parse = NULL;

	if (n == 0)
		return state;
	JsonbToJsonbValue(state, &tree.leaf);
	open_tree(&tree);
	for (int i = 0; i < n; i++)
	{
		set_keys(&tree, &deltas[i].values->root);
		if (deltas[i].patch != NULL)
			patch_keys(&tree, &deltas[i].patch->root);
	}
	return JsonbValueToJsonb(push_tree(&parse, WJB_VALUE, &tree));
}

/* --------------------------------------------------------------------- weight */

/* What a delta takes in the log. */
int64
delta_bytes(const HitlDelta *delta)
{
	return ROW_BYTES + VARSIZE(delta->values) + (delta->patch != NULL ? VARSIZE(delta->patch) : 0);
}

/*
 * Do the deltas since the last snapshot weigh more than the state itself?
 * Then the state is written too: it is read from at most about twice its own
 * bytes, and history costs what changed.
 */
bool
delta_is_outweighed(int64 weight, Jsonb *state)
{
	return weight > (int64) VARSIZE(state);
}
