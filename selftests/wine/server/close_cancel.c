/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls that the last closesocket() ends. Part of async.c. Calls in which a client sends what
 * its program believes sent are excluded: their data has to arrive.
 */
#include "close_cancel.h"

void async_cancel_queue( struct async_queue *queue )
{
	struct async *async, *next;

	LIST_FOR_EACH_ENTRY_SAFE( async, next, &queue->queue, struct async, queue_entry )
	{
#ifdef SERVER_SOCKET_IO_SYSTEM
		if (async->is_system) continue;
#endif
		async_terminate( async, STATUS_CANCELLED );
	}
}
