/*
 * hitl_sample.c
 *    Nodes, a router and an observer in C: a sample of what hitl.h is for.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "extension/hitl/hitl.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/syscache.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

PG_FUNCTION_INFO_V1(sample_pay);
PG_FUNCTION_INFO_V1(sample_ask);
PG_FUNCTION_INFO_V1(sample_route);
PG_FUNCTION_INFO_V1(sample_misuse);
PG_FUNCTION_INFO_V1(sample_crash);

/* for tests: the event that the observer refuses, or nothing */
static char *refuse = NULL;

/* ------------------------------------------------------------------------ json */

static Jsonb *
parse(const char *text)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/* A field of an object as text; NULL when it is not there. */
static char *
field(Jsonb *object, const char *name)
{
	JsonbValue	value;

	if (object == NULL || !JB_ROOT_IS_OBJECT(object) ||
		getKeyJsonValueFromContainer(&object->root, name, strlen(name), &value) == NULL)
		return NULL;
	if (value.type == jbvString)
		return pnstrdup(value.val.string.val, value.val.string.len);
	if (value.type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
	return NULL;
}

static Jsonb *
object_field(Jsonb *object, const char *name)
{
	JsonbValue	value;

	if (object == NULL || getKeyJsonValueFromContainer(&object->root, name, strlen(name), &value) == NULL)
		return NULL;
	return JsonbValueToJsonb(&value);
}

/* ----------------------------------------------------------------------- nodes */

static void
book(int64 thread_id, const char *entry, const char *amount)
{
	Oid			types[] = {INT8OID, TEXTOID, TEXTOID};
	Datum		values[] = {Int64GetDatum(thread_id), CStringGetTextDatum(entry), CStringGetTextDatum(amount)};

	SPI_connect();
	SPI_execute_with_args("INSERT INTO sample.ledger VALUES ($1, $2, $3::pg_catalog.numeric)",
						  3, types, values, NULL, false, 0);
	SPI_finish();
}

static bool
is_big(const char *amount)
{
	Datum		value = DirectFunctionCall3(numeric_in, CStringGetDatum(amount), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	Datum		limit = DirectFunctionCall1(int4_numeric, Int32GetDatum(1000));

	return DatumGetBool(DirectFunctionCall2(numeric_gt, value, limit));
}

/* Phase 0 reserves, phase 1 pays what was approved or releases the rest. */
Datum
sample_pay(PG_FUNCTION_ARGS)
{
	HitlNodeCall *call = hitl_node_call(fcinfo);
	char	   *amount;
	char	   *type;

	if (call->phase == 0)
	{
		amount = field(call->state, "amount");
		if (amount == NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no amount to pay")));
		book(call->thread_id, "reserved", amount);
		if (is_big(amount))
		{
			hitl_pause(call, parse(psprintf("{\"action\": \"pay\", \"args\": {\"amount\": %s}}", amount)), "pay", 1,
					   parse(psprintf("{\"reserved\": %s}", amount)));
			PG_RETURN_NULL();
		}
		book(call->thread_id, "paid", amount);
		PG_RETURN_JSONB_P(parse("{\"status\": \"paid\"}"));
	}

	/* anything but an approval, or an edit, is a no */
	type = field(call->decision, "type");
	if (type != NULL && (strcmp(type, "approve") == 0 || strcmp(type, "edit") == 0))
	{
		amount = field(object_field(call->decision, "args"), "amount");
		book(call->thread_id, "paid", amount);
		PG_RETURN_JSONB_P(parse(psprintf("{\"status\": \"paid\", \"reserved\": %s, \"attempt\": %d}",
										 field(call->saved, "reserved"), call->attempt)));
	}
	book(call->thread_id, "released", field(call->saved, "reserved"));
	PG_RETURN_JSONB_P(parse("{\"status\": \"released\"}"));
}

Datum
sample_ask(PG_FUNCTION_ARGS)
{
	HitlNodeCall *call = hitl_node_call(fcinfo);
	Jsonb	   *decision;

	book(call->thread_id, "asking", "0");
	/* the same question under the same key, in two phases: two questions */
	if (field(call->state, "twice") != NULL && call->phase == 0)
	{
		hitl_pause(call, parse("{\"action\": \"go on\"}"), "go", 1, NULL);
		PG_RETURN_NULL();
	}
	decision = hitl_interrupt(parse("{\"action\": \"go on\"}"), "go");
	PG_RETURN_JSONB_P(parse(psprintf("{\"answer\": \"%s\", \"effect_key\": \"%s\", \"node\": \"%s\", \"step\": %d}",
									 field(decision, "type"), call->effect_key, call->node, call->step)));
}

/* A router is a plain function. */
Datum
sample_route(PG_FUNCTION_ARGS)
{
	char	   *amount = field(PG_GETARG_JSONB_P(0), "amount");

	PG_RETURN_TEXT_P(cstring_to_text(amount != NULL && is_big(amount) ? "big" : "small"));
}

static bool
is_closed(void)
{
	bool		is_closed;

	SPI_connect();
	SPI_execute("SELECT FROM sample.ledger WHERE entry = 'closed'", true, 1);
	is_closed = SPI_processed > 0;
	SPI_finish();
	return is_closed;
}

Datum
sample_misuse(PG_FUNCTION_ARGS)
{
	HitlNodeCall *call = hitl_node_call(fcinfo);
	const char *how = field(call->state, "how");
	Jsonb	   *question = parse("{\"action\": \"something\"}");
	HitlNodeCall copy = *call;

	if (strcmp(how, "phase") == 0)
		hitl_pause(call, question, NULL, 0, NULL);
	else if (strcmp(how, "twice") == 0)
	{
		hitl_pause(call, question, NULL, 1, NULL);
		hitl_pause(call, question, NULL, 2, NULL);
	}
	else if (strcmp(how, "update") == 0)
	{
		hitl_pause(call, question, NULL, 1, NULL);
		PG_RETURN_JSONB_P(parse("{\"status\": \"both\"}"));
	}
	else if (strcmp(how, "error") == 0)
	{
		book(call->thread_id, "error", "1");
		hitl_pause(call, question, NULL, 1, NULL);
		ereport(ERROR, (errmsg("after the pause")));
	}
	else if (strcmp(how, "swallow") == 0)
	{
		MemoryContext context = CurrentMemoryContext;

		/* a payload that is no question: the node cannot go on without */
		PG_TRY();
		{
			hitl_pause(call, parse("{\"allowed\": \"everything\"}"), NULL, 1, NULL);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(context);
			FlushErrorState();
		}
		PG_END_TRY();
	}
	else if (strcmp(how, "version") == 0)
	{
		copy.api_version = HITL_API_VERSION + 1;
		fcinfo->context = (Node *) &copy;
		(void) hitl_node_call(fcinfo);
	}
	else if (strcmp(how, "unheard") == 0)
	{
		/* once the ledger is closed it does not ask any more */
		if (!is_closed())
			(void) hitl_interrupt(question, "first");
		book(call->thread_id, "unheard", "1");
		hitl_pause(call, question, "second", 1, NULL);
	}
	else if (strcmp(how, "stranger") == 0)
	{
		hitl_pause(&copy, question, NULL, 1, NULL);
	}
	PG_RETURN_NULL();
}

Datum
sample_crash(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	abort();
}

/* -------------------------------------------------------------------- the observer */

static const char *
event_word(HitlEventKind kind)
{
	switch (kind)
	{
		case HITL_EVENT_OPENED:
			return "opened";
		case HITL_EVENT_DECIDED:
			return "decided";
		case HITL_EVENT_EDITED:
			return "edited";
		case HITL_EVENT_ENDED:
			break;
	}
	return "ended";
}

/* The owner of the table that the observer writes to; InvalidOid: it is not here. */
static Oid
table_owner(void)
{
	Oid			schema = get_namespace_oid("sample", true);
	HeapTuple	tuple = SearchSysCache2(RELNAMENSP, CStringGetDatum("event"), ObjectIdGetDatum(schema));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* Writes as the owner of its table: who votes has no right on it. */
static void
observe(const HitlNotice *notice, void *arg)
{
	Oid			owner = table_owner();
	Oid			types[] = {TEXTOID, INT8OID, INT8OID, TEXTOID};
	const char *whom = psprintf("%s%s", GetUserNameFromId(GetUserId(), false), InSecurityRestrictedOperation() ? "" : ", unrestricted");
	Datum		values[] = {CStringGetTextDatum(event_word(notice->kind)), Int64GetDatum(notice->thread_id),
	Int64GetDatum(notice->interrupt_id), CStringGetTextDatum(whom)};
	char		nulls[] = {' ', ' ', notice->interrupt_id == 0 ? 'n' : ' ', ' '};
	Oid			user;
	int			security;

	/* the library may be loaded where the extension is not */
	if (!OidIsValid(owner))
		return;
	if (refuse != NULL && strcmp(refuse, event_word(notice->kind)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s does not want it", (const char *) arg)));

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	SPI_execute_with_args("INSERT INTO sample.event (event, thread_id, interrupt_id, observed_as) VALUES ($1, $2, $3, $4)",
						  4, types, values, nulls, false, 0);
	SPI_finish();
	SetUserIdAndSecContext(user, security);
}

void
_PG_init(void)
{
	static char name[] = "the sample";

	DefineCustomStringVariable("hitl_sample.refuse", "The event that the observer refuses.", NULL,
							   &refuse, "", PGC_SUSET, 0, NULL, NULL, NULL);
	hitl_register_observer(observe, name);
}
