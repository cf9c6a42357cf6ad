/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CLOSE_CANCEL_H
#define CLOSE_CANCEL_H

struct async_queue;

extern void async_cancel_queue( struct async_queue *queue );

#endif
