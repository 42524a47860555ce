/*
 * marks.c
 *    Who runs which task, in a file that outlives a crash of the processes.
 *
 * The file lies in pg_stat_tmp: inside the data directory, not in base backups.
 * It is made anew by the first process that needs it after the server's shared
 * memory was: this one takes over what the dead have left.  All others map what
 * they find.  A file that is missing, short or of somebody else is replaced,
 * never cut: other processes may have it mapped.  If it cannot be made, nodes
 * run all the same, and crashes are not counted.
 *
 * Its header says in whose life it was made, which is the postmaster's: it goes
 * on when the server comes back by itself.  A mark that stands then is of a
 * process that crashed: the others were sent SIGQUIT.  In another life it can
 * also be of one that was killed along with its postmaster.  Whoever of us gets
 * SIGQUIT for a crash notes in the header that there was one: with the launcher
 * there, somebody does even if the server does not come back by itself.
 *
 * A place belongs to one process, which takes it before its first run and gives
 * it back when it exits.  Its state is one word, changed by compare-and-swap
 * where two may want to: FREE -> MINE <-> RUNNING -> LEFT -> FREE.
 *
 * Layer 2.  Memory: the mapping, and a few words of the server's shared memory,
 * which are taken when needed: there may be no preload.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/parallel.h"
#include "common/file_perm.h"
#include "compat.h"
#include "marks.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "slot.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#define MARKS_FILE		PG_STAT_TMP_DIR "/hitl_marks"
#define MARKS_FILE_NEW	PG_STAT_TMP_DIR "/hitl_marks.new"

#define MARKS_MAGIC		0x6869746c	/* "hitl" */
#define MARKS_FORMAT	2
#define MAX_PLACES		(1 << 20)	/* more is no number of ours */

/* the two low bits of a place's word; the others count those who had it */
typedef enum PlaceState
{
	PLACE_FREE,
	PLACE_MINE,					/* a process has it, and runs nothing */
	PLACE_RUNNING,
	PLACE_LEFT					/* its process is gone */
} PlaceState;

#define PLACE_STATE(word)			((PlaceState) ((word) & 3))
#define PLACE_WORD(word, state)		(((word) & ~(uint32) 3) | (state))
#define PLACE_NEXT_OWNER(word)		(PLACE_WORD(word, 0) + 4)

typedef struct MarksHeader
{
	uint32		magic;
	uint32		format;
	uint32		n_places;
	uint32		place_size;
	TimestampTz life;			/* when the postmaster started */
	sig_atomic_t has_crashed;	/* did a process of that life crash? */
} MarksHeader;

/* Written by the process that has it, before the word says RUNNING. */
typedef struct Place
{
	pg_atomic_uint32 word;
	TransactionId version;
	Oid			dboid;
	Oid			owner;
	int64		thread_id;
	int64		task_id;
	TimestampTz since;
	int32		step;
	int32		pid;			/* of the process that has it */
} Place;

/* a cache line for each, and for the header */
#define PLACE_SIZE 64
StaticAssertDecl(sizeof(Place) <= PLACE_SIZE && sizeof(MarksHeader) <= PLACE_SIZE,
				 "a place of the marks file is too small");

/* in the server's shared memory: made anew after a crash */
typedef struct MarksShared
{
	bool		is_prepared;	/* under AddinShmemInitLock */
	pg_atomic_uint32 n_left;	/* how many marks were ever left */
	bool		has_place[FLEXIBLE_ARRAY_MEMBER];	/* by number of process */
} MarksShared;

static MarksShared *shared = NULL;
static char *mapping = NULL;
static int	n_places = 0;
static bool is_broken = false;

static Place *volatile my_place = NULL;

/* has somebody else asked this process to end, or it itself? */
static volatile sig_atomic_t was_terminated = false;
static volatile sig_atomic_t has_terminated_itself = false;

static struct sigaction old_quit;
static struct sigaction old_term;

static Place *
place_at(char *file, int i)
{
	return (Place *) (file + PLACE_SIZE * (Size) (i + 1));
}

/* ------------------------------------------------------------------- the signals */

static void
pass_on(const struct sigaction *old, int signo, siginfo_t *info, void *context)
{
	if (old->sa_flags & SA_SIGINFO)
		old->sa_sigaction(signo, info, context);
	else
		old->sa_handler(signo);
}

/* A run of ours that stands is no evidence any more. */
static void
void_mark(void)
{
	Place	   *place = my_place;
	uint32		word;

	if (place == NULL)
		return;
	word = pg_atomic_read_u32(&place->word);
	if (PLACE_STATE(word) == PLACE_RUNNING)
		pg_atomic_write_u32(&place->word, PLACE_WORD(word, PLACE_MINE));
}

/*
 * In a signal handler: the postmaster ends us, for no fault of ours.  A child
 * that has not come to its exec() yet shares the mapping: it is not the one.
 */
static void
note_quit(int signo, siginfo_t *info, void *context)
{
	if ((int) getpid() == MyProcPid)
	{
		void_mark();
		if (GetQuitSignalReason() == PMQUIT_FOR_CRASH)
			((volatile MarksHeader *) mapping)->has_crashed = true;
	}
	pass_on(&old_quit, signo, info, context);
}

/*
 * In a signal handler.  Who does not follow at once is killed next, so the mark
 * is void from now on.
 */
static void
note_term(int signo, siginfo_t *info, void *context)
{
	if ((int) getpid() == MyProcPid)
	{
		if (info->si_pid == MyProcPid)
			has_terminated_itself = true;
		else
		{
			was_terminated = true;
			void_mark();
		}
	}
	pass_on(&old_term, signo, info, context);
}

/* Put a handler of ours in front of the one that is there. */
static void
watch(int signo, void (*handler) (int, siginfo_t *, void *), struct sigaction *old)
{
	struct sigaction action;

	if (sigaction(signo, NULL, old) != 0 || old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN)
		return;
	action = *old;
	action.sa_sigaction = handler;
	action.sa_flags |= SA_SIGINFO;
	(void) sigaction(signo, &action, NULL);
}

/* -------------------------------------------------------------------- the file */

static Size
file_size(int n)
{
	return PLACE_SIZE * (Size) (n + 1);
}

/*
 * A file of ours, whole: its descriptor and its header.  Else -1, with errno 0
 * when there is something else under the name.
 */
static int
open_file(MarksHeader *header)
{
	struct stat status;
	int			fd = BasicOpenFile(MARKS_FILE, O_RDWR | PG_BINARY);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 &&
		pg_pread(fd, header, sizeof(MarksHeader), 0) == sizeof(MarksHeader) &&
		header->magic == MARKS_MAGIC && header->format == MARKS_FORMAT &&
		header->place_size == PLACE_SIZE && header->n_places > 0 &&
		header->n_places <= MAX_PLACES &&
		status.st_size == (off_t) file_size(header->n_places))
		return fd;
	close(fd);
	errno = 0;
	return -1;
}

/*
 * What the processes before us have left, into a new image; none of them is
 * alive.  A mark that stands is evidence if its process was the only one to
 * die, or one of few; one that was left on purpose is evidence for ever.
 */
static void
take_over(char *image, int n)
{
	MarksHeader old;
	bool		is_evidence;
	int			n_taken = 0;
	int			fd = open_file(&old);

	if (fd < 0)
	{
		if (errno != ENOENT)
			ereport(LOG,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("file \"%s\" is not a whole file of marks and is made anew", MARKS_FILE),
					 errdetail("If a node has crashed the server, that is not counted.")));
		return;
	}
	is_evidence = old.life == PgStartTime || old.has_crashed;
	for (uint32 i = 0; i < old.n_places && n_taken < n; i++)
	{
		Place	   *place = place_at(image, n_taken);
		uint32		word;

		if (pg_pread(fd, place, sizeof(Place), file_size(i)) != sizeof(Place))
			break;
		word = pg_atomic_read_u32(&place->word);
		if ((PLACE_STATE(word) == PLACE_RUNNING && is_evidence) || PLACE_STATE(word) == PLACE_LEFT)
		{
			pg_atomic_write_u32(&place->word, PLACE_WORD(word, PLACE_LEFT));
			n_taken++;
		}
	}
	if (n_taken < n)
		memset(place_at(image, n_taken), 0, PLACE_SIZE);
	close(fd);
	if (n_taken > 0)
		pg_atomic_fetch_add_u32(&shared->n_left, n_taken);
}

/*
 * Make the file anew, whole and then under its name; -1: it cannot be.  It is
 * written and not only made long, so that no store into it finds the disk full.
 */
static int
make_file(MarksHeader *header)
{
	Size		size = file_size(MaxBackends * 2);
	char	   *image = palloc0(size);
	int			fd;

	*header = (MarksHeader) {
		.magic = MARKS_MAGIC, .format = MARKS_FORMAT, .n_places = MaxBackends * 2, .place_size = PLACE_SIZE,
		.life = PgStartTime
	};
	memcpy(image, header, sizeof(MarksHeader));
	take_over(image, header->n_places);
	fd = BasicOpenFile(MARKS_FILE_NEW, O_RDWR | O_CREAT | O_TRUNC | PG_BINARY);
	if (fd >= 0)
	{
		errno = 0;
		if (pg_pwrite(fd, image, size, 0) != (ssize_t) size ||
			rename(MARKS_FILE_NEW, MARKS_FILE) != 0)
		{
			int			error = errno != 0 ? errno : ENOSPC;

			close(fd);
			(void) unlink(MARKS_FILE_NEW);
			errno = error;
			fd = -1;
		}
	}
	pfree(image);
	return fd;
}

/* The words in shared memory; NULL if there is no room for them. */
static MarksShared *
find_shared(void)
{
	MemoryContext context = CurrentMemoryContext;
	MarksShared *volatile found = NULL;
	bool		is_there;

	PG_TRY();
	{
		Size		size = offsetof(MarksShared, has_place) + sizeof(bool) * MaxBackends;

		found = ShmemInitStruct("hitl marks", size, &is_there);
		if (!is_there)
		{
			memset(found, 0, size);
			pg_atomic_init_u32(&found->n_left, 0);
		}
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		/* raising let go of all holds, that of our lock too */
		HOLD_INTERRUPTS();
		errno = ENOMEM;
	}
	PG_END_TRY();
	return found;
}

/*
 * Map the file, making it if need be; false if that cannot be, which is said
 * once.  The lock is the server's own for things like this: no two processes
 * make the file at the same time.
 */
static bool
attach(void)
{
	MarksHeader header;
	void	   *memory = MAP_FAILED;
	int			fd = -1;
	int			error;

	if (mapping != NULL)
		return true;
	if (is_broken || !IsUnderPostmaster)
		return false;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = find_shared();
	if (shared != NULL)
	{
		if (shared->is_prepared)
			fd = open_file(&header);
		if (fd < 0)
			fd = make_file(&header);
		shared->is_prepared |= fd >= 0;
		if (fd >= 0)
		{
			memory = mmap(NULL, file_size(header.n_places), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			error = errno;
			close(fd);
			errno = error;
		}
	}
	error = errno;
	LWLockRelease(AddinShmemInitLock);

	if (memory == MAP_FAILED)
	{
		is_broken = true;
		errno = error;
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not map file \"%s\": %m", MARKS_FILE),
				 errdetail("Nodes that crash the server in this session are not counted.")));
		return false;
	}
	n_places = header.n_places;
	mapping = memory;
	watch(SIGQUIT, note_quit, &old_quit);
	return true;
}

/*
 * A process that may outlive the crash of another one, if only by a moment:
 * from here on it notes that there was one.
 */
void
marks_attach(void)
{
	(void) attach();
}

/* ----------------------------------------------------------- a process's own mark */

/*
 * Did this process end of what it ran?  An executor runs nothing else, so it
 * did unless somebody asked it to end.  Another session may end for reasons of
 * its user's; what a node alone can do is told apart.
 */
static bool
is_own_fault(int code)
{
	if (was_terminated || !PostmasterIsAlive())
		return false;
	/* code below 0: somebody called exit() */
	if (IsParallelWorker())
		return code < 0;		/* of all else its leader hears, as an error */
	return slot_am_executor() || has_terminated_itself || ExitOnAnyError || code < 0;
}

/*
 * Runs before the transaction is rolled back: who claims the task after us
 * finds the mark.
 */
static void
at_exit(int code, Datum arg pg_attribute_unused())
{
	Place	   *place = my_place;
	uint32		word;

	if (place == NULL)
		return;
	shared->has_place[COMPAT_MY_PROC_NUMBER] = false;
	word = pg_atomic_read_u32(&place->word);
	my_place = NULL;
	if (PLACE_STATE(word) == PLACE_RUNNING && is_own_fault(code))
	{
		pg_atomic_write_u32(&place->word, PLACE_WORD(word, PLACE_LEFT));
		pg_atomic_fetch_add_u32(&shared->n_left, 1);
	}
	else
		pg_atomic_write_u32(&place->word, PLACE_NEXT_OWNER(word));
}

/* A free place, else that of the mark that was left longest ago. */
static Place *
find_place(void)
{
	Place	   *oldest = NULL;
	uint32		oldest_word = 0;

	for (int i = 0; i < n_places; i++)
	{
		Place	   *place = place_at(mapping, (i + COMPAT_MY_PROC_NUMBER) % n_places);
		uint32		word = pg_atomic_read_u32(&place->word);

		if (PLACE_STATE(word) == PLACE_FREE &&
			pg_atomic_compare_exchange_u32(&place->word, &word, PLACE_WORD(word, PLACE_MINE)))
			return place;
		if (PLACE_STATE(word) == PLACE_LEFT && (oldest == NULL || place->since < oldest->since))
		{
			oldest = place;
			oldest_word = word;
		}
	}
	if (oldest != NULL &&
		pg_atomic_compare_exchange_u32(&oldest->word, &oldest_word,
									   PLACE_WORD(PLACE_NEXT_OWNER(oldest_word), PLACE_MINE)))
		return oldest;
	return NULL;
}

static bool
take_place(void)
{
	static bool is_watching = false;

	if (my_place != NULL)
		return true;
	if (!attach())
		return false;
	my_place = find_place();
	if (my_place == NULL)
		return false;
	my_place->pid = MyProcPid;
	shared->has_place[COMPAT_MY_PROC_NUMBER] = true;
	if (!is_watching)
	{
		is_watching = true;
		before_shmem_exit(at_exit, (Datum) 0);
		watch(SIGTERM, note_term, &old_term);
	}
	return true;
}

/* Are the runs of this process counted that end it? */
bool
marks_is_on(void)
{
	return mapping != NULL;
}

static void
set_state(PlaceState state)
{
	/* what is written before is there before the word says so */
	pg_write_barrier();
	pg_atomic_write_u32(&my_place->word, PLACE_WORD(pg_atomic_read_u32(&my_place->word), state));
	/* asked to end before, or just now */
	if (was_terminated)
		void_mark();
}

/* This process is about to run a task. */
void
marks_begin(const HitlMark *mark)
{
	Place	   *place;

	if (!take_place())
		return;
	place = my_place;
	set_state(PLACE_MINE);
	place->dboid = mark->dboid;
	place->owner = mark->owner;
	place->thread_id = mark->thread_id;
	place->task_id = mark->task_id;
	place->step = mark->step;
	place->version = mark->version;
	place->since = mark->since;
	set_state(PLACE_RUNNING);
}

/*
 * It is about to run another task of that thread, which the same transaction
 * has made: a crash leaves nothing of it, so it counts against the task before.
 */
void
marks_begin_again(int64 thread_id)
{
	if (my_place != NULL && my_place->thread_id == thread_id && my_place->dboid == MyDatabaseId)
		set_state(PLACE_RUNNING);
}

/* The run is over, and what it did is committed or will never be. */
void
marks_end(void)
{
	if (my_place != NULL)
		set_state(PLACE_MINE);
}

/* The place of another process, which has one; NULL if it runs nothing. */
static const Place *
find_running(int proc_number, int pid)
{
	for (int i = 0; i < n_places; i++)
	{
		Place	   *place = place_at(mapping, (i + proc_number) % n_places);

		if (PLACE_STATE(pg_atomic_read_u32(&place->word)) == PLACE_RUNNING && place->pid == pid)
			return place;
	}
	return NULL;
}

/*
 * A parallel worker is about to run a part of its leader's query.  It runs what
 * its leader runs, and goes before the leader does.
 */
void
marks_join_leader(void)
{
	static bool has_asked = false;
	const PGPROC *leader = MyProc->lockGroupLeader;
	const Place *place;
	bool		is_marked;

	if (has_asked || leader == NULL)
		return;
	has_asked = true;

	/* no file for the workers of all the others */
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = find_shared();
	is_marked = shared != NULL && shared->has_place[compat_proc_number(leader)];
	LWLockRelease(AddinShmemInitLock);
	if (!is_marked || !attach())
		return;

	place = find_running(compat_proc_number(leader), leader->pid);
	if (place == NULL || !take_place())
		return;
	my_place->dboid = place->dboid;
	my_place->owner = place->owner;
	my_place->thread_id = place->thread_id;
	my_place->task_id = place->task_id;
	my_place->step = place->step;
	my_place->version = place->version;
	my_place->since = place->since;
	set_state(PLACE_RUNNING);
}

/* --------------------------------------------------------------- marks that were left */

/* How many marks were ever left in this life of the server. */
uint32
marks_count_left(void)
{
	return attach() ? pg_atomic_read_u32(&shared->n_left) : 0;
}

/* The marks that were left in a database, as HitlMark. */
List *
marks_left(Oid dboid)
{
	List	   *marks = NIL;

	if (!attach())
		return NIL;
	for (int i = 0; i < n_places; i++)
	{
		Place	   *place = place_at(mapping, i);
		uint32		word = pg_atomic_read_u32(&place->word);
		HitlMark   *mark;

		pg_read_barrier();
		if (PLACE_STATE(word) != PLACE_LEFT || place->dboid != dboid)
			continue;
		mark = palloc(sizeof(HitlMark));
		mark->dboid = place->dboid;
		mark->owner = place->owner;
		mark->thread_id = place->thread_id;
		mark->task_id = place->task_id;
		mark->step = place->step;
		mark->version = place->version;
		mark->since = place->since;
		mark->place = i;
		mark->word = word;
		marks = lappend(marks, mark);
	}
	return marks;
}

/* It is counted, or there is nothing to count.  Harmless if others did it. */
void
marks_remove(const HitlMark *mark)
{
	uint32		word = mark->word;

	(void) pg_atomic_compare_exchange_u32(&place_at(mapping, mark->place)->word, &word,
										  PLACE_NEXT_OWNER(word));
}
