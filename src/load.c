/*
 * load.c
 *    What happens when the library is loaded.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "fmgr.h"
#include "frame.h"
#include "guc.h"
#include "hook.h"
#include "shmem.h"
#include "utility.h"
#include "wake.h"
#include "worker.h"

PG_MODULE_MAGIC;

/* the server declares it from 16 on */
extern PGDLLEXPORT void _PG_init(void);

/*
 * With shared_preload_libraries this runs in the postmaster and all processes
 * inherit it; without, in each session that calls a function of ours, where
 * shared memory and the launcher stay away and all else works.
 */
void
_PG_init(void)
{
	guc_init();
	shmem_init();
	wake_init();
	utility_init();
	frame_init();
	hook_init();
	launcher_register();
}
