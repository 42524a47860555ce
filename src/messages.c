/*
 * messages.c
 *    A list of messages, in which each is found by its id.
 *
 * LangGraph's add_messages: a message whose "id" is there already takes the
 * place of that one, one of type "remove" takes it away, all others are
 * appended.  Ids are compared as jsonb compares: 1.0 is 1.
 *
 * A conversation may have ten thousand messages: ids are looked up in a hash
 * table, and what is taken away leaves a gap until the end.
 *
 * Layer 1: pure.  Memory: the table is gone at the end.
 */
#include "postgres.h"

#include "json.h"
#include "messages.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"

typedef struct Messages
{
	List	   *list;			/* Jsonb *; NULL: a gap */
	HTAB	   *places;			/* of Place */
} Messages;

/* where in the list an id is: what was written by other means may have it more
 * than once, and the last counts */
typedef struct Place
{
	Jsonb	   *id;				/* the key: not the pointer, what it points to */
	List	   *places;			/* integers */
} Place;

static uint32
hash_id(const void *key, Size size pg_attribute_unused())
{
	return DatumGetUInt32(DirectFunctionCall1(jsonb_hash, JsonbPGetDatum(*(Jsonb *const *) key)));
}

static int
compare_ids(const void *a, const void *b, Size size pg_attribute_unused())
{
	return json_equal(*(Jsonb *const *) a, *(Jsonb *const *) b) ? 0 : 1;
}

static HTAB *
create_table(void)
{
	HASHCTL		control = {
		.keysize = sizeof(Jsonb *),
		.entrysize = sizeof(Place),
		.hash = hash_id,
		.match = compare_ids,
		.hcxt = CurrentMemoryContext
	};

	return hash_create("hitl messages", 64, &control, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/* Where a message belongs by its id; NULL: it has none.  null is how some
 * programs write that. */
static Place *
find_place(Messages *messages, Jsonb *message)
{
	Jsonb	   *id = json_get(message, "id");
	Place	   *place;
	bool		is_found;

	if (id == NULL || json_is_null(id))
		return NULL;
	place = hash_search(messages->places, &id, HASH_ENTER, &is_found);
	if (!is_found)
		place->places = NIL;
	return place;
}

static void
append(Messages *messages, Place *place, Jsonb *message)
{
	if (place != NULL)
		place->places = lappend_int(place->places, list_length(messages->list));
	messages->list = lappend(messages->list, message);
}

static void
upsert(Messages *messages, Jsonb *message)
{
	char	   *type = json_get_string(message, "type");
	bool		is_removal = type != NULL && strcmp(type, "remove") == 0;
	Place	   *place = find_place(messages, message);

	if (place == NULL || place->places == NIL)
	{
		if (!is_removal)
			append(messages, place, message);
		return;
	}
	lfirst(list_nth_cell(messages->list, llast_int(place->places))) = is_removal ? NULL : message;
	if (is_removal)
		place->places = list_delete_last(place->places);
}

/* Both: Jsonb *.  Returns the list of what is there then. */
List *
messages_upsert(List *messages, List *added)
{
	Messages	all = {.places = create_table()};
	List	   *left = NIL;
	ListCell   *cell;

	foreach(cell, messages)
	{
		CHECK_FOR_INTERRUPTS();
		append(&all, find_place(&all, lfirst(cell)), lfirst(cell));
	}
	foreach(cell, added)
	{
		CHECK_FOR_INTERRUPTS();
		upsert(&all, lfirst(cell));
	}
	foreach(cell, all.list)
		if (lfirst(cell) != NULL)
			left = lappend(left, lfirst(cell));
	hash_destroy(all.places);
	return left;
}
