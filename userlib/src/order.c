// SPDX-License-Identifier: LGPL-2.1-or-later
/* Plain calls and operations on one stream. See order.h. */
#include <stdatomic.h>

#include "netevent.h"
#include "order.h"
#include "ring.h"

/* Those that sleep; under the records' lock. */
static struct order_wait *order_list;

/* Records that closes have taken off their numbers, and how many, which is read without it. */
static struct record *order_taken;
static _Atomic unsigned int order_taken_count;

/* Without the lock: can there be operations? A record is taken, and may be given back. */
static bool order_is_free(SOCKET s)
{
	return !table_record(s) &&
	       !atomic_load_explicit(&order_taken_count, memory_order_acquire) &&
	       !table_record(s);
}

static struct record *order_find(SOCKET s)
{
	struct record *record = record_find(s);

	if (!record)
		for (record = order_taken; record && record->fd != s; record = record->next)
			;
	return record;
}

/* With the lock: the record, if operations are pending that a plain call comes behind. */
static struct record *order_busy(SOCKET s, int direction)
{
	struct record *record = order_find(s);

	if (!record || !record->stream || !record->queues[direction].first)
		return NULL;
	/* What is done, but nobody has taken in yet, is in nobody's way. */
	ring_reap();
	return record->queues[direction].first ? record : NULL;
}

enum order_turn order_begin(SOCKET s, int direction)
{
	enum order_turn turn = ORDER_FREE;
	struct record *record;

	if (order_is_free(s))
		return ORDER_FREE;
	record_lock();
	record = record_find(s);
	if (order_busy(s, direction))
		turn = ORDER_BEHIND;
	/* Where only events are asked for nothing begins, and nobody else need wait for us. */
	else if (record && record->stream && record->queues[direction].used)
		return ORDER_LOCKED;
	record_unlock();
	return turn;
}

void order_end(enum order_turn turn)
{
	if (turn == ORDER_LOCKED)
		record_unlock();
}

void order_sleep(struct order_wait *order, SOCKET s, int direction)
{
	struct record *record;

	if (order_is_free(s))
		return;
	record_lock();
	record = order_busy(s, direction);
	if (record) {
		order->record = record;
		order->direction = direction;
		order->used = true;
		order->next = order_list;
		order_list = order;
		wait_behind(order->wait, true);
	}
	record_unlock();
}

static void order_unlink(struct order_wait **link)
{
	*link = (*link)->next;
}

void order_leave(struct order_wait *order)
{
	struct order_wait **link = &order_list;

	if (!order->used)
		return;
	record_lock();
	while (*link && *link != order)
		link = &(*link)->next;
	if (*link)
		order_unlink(link);
	record_unlock();
}

static void order_release(const struct record *record, int direction)
{
	struct order_wait **link = &order_list, *order;

	while ((order = *link)) {
		if (order->record == record && order->direction == direction) {
			order_unlink(link);
			wait_behind(order->wait, false);
		} else {
			link = &order->next;
		}
	}
}

int order_shutdown(SOCKET s, int how)
{
	struct record *record;
	int result = 0;

	if (how == SHUT_RD || order_is_free(s))
		return shutdown(s, how);
	record_lock();
	/* Where there is no connection the kernel says so. */
	record = order_busy(s, RECORD_SEND);
	if (record && !socket_is_connected(s))
		record = NULL;
	if (!record)
		result = shutdown(s, how);
	else if (how == SHUT_RDWR)
		result = shutdown(s, SHUT_RD);
	if (record && !result)
		record->fin = true;
	record_unlock();
	return result;
}

void order_emptied(struct record *record, int direction)
{
	if (direction == RECORD_SEND && record->fin) {
		record->fin = false;
		shutdown(record->fd, SHUT_WR);
	}
	order_release(record, direction);
	netevent_emptied(record, direction);
}

void order_forget(struct record *record)
{
	for (int i = 0; i < RECORD_DIRECTIONS; i++)
		order_release(record, i);
}

void order_take(struct record *record)
{
	record->next = order_taken;
	order_taken = record;
	atomic_fetch_add(&order_taken_count, 1);
}

void order_give_back(struct record *record)
{
	struct record **link = &order_taken;

	while (*link && *link != record)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = record->next;
	record->next = NULL;
	atomic_fetch_sub(&order_taken_count, 1);
}

void order_forked(void)
{
	/* Other threads' calls; what our own one waits for is the parent's, as are closes. */
	order_list = NULL;
	order_taken = NULL;
	atomic_store(&order_taken_count, 0);
}
