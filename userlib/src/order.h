/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plain calls come behind the operations that are pending on their stream: a send behind
 * the sends, a receive behind the receives, the FIN behind all that was given to be sent.
 * Sockets that are no streams have no order to be kept.
 */
#ifndef WINSOCK_ORDER_H
#define WINSOCK_ORDER_H

#include "record.h"
#include "wait.h"

/**
 * order_begin() - may a plain transfer be tried?
 * @direction:	RECORD_RECEIVE or RECORD_SEND
 *
 * Return: ORDER_BEHIND: no, operations come first. ORDER_FREE: yes. ORDER_LOCKED: yes, and
 * until order_end() the records' lock keeps operations from beginning in the middle of it.
 */
enum order_turn { ORDER_FREE, ORDER_LOCKED, ORDER_BEHIND };
enum order_turn order_begin(SOCKET s, int direction);
void order_end(enum order_turn turn);

/**
 * struct order_wait - a blocked transfer; all but @wait is our own
 * @next:	all that sleep behind operations
 * @wait:	its wait
 * @record:	whose operations it is behind
 * @direction:	which of them
 * @used:	it was behind some once
 */
struct order_wait {
	struct order_wait *next;
	struct wait *wait;
	struct record *record;
	int direction;
	bool used;
};

/* Before each sleep: behind operations it is no use to look at the descriptor. */
void order_sleep(struct order_wait *order, SOCKET s, int direction);
void order_leave(struct order_wait *order);

/* As shutdown(2), but for the FIN, which waits for its turn. */
int order_shutdown(SOCKET s, int how);

/* With the records' lock: nothing is pending in a direction any more. */
void order_emptied(struct record *record, int direction);
/* With the records' lock: the record is about to be freed. */
void order_forget(struct record *record);

/*
 * With the records' lock: a close takes a record with operations off its number, and gives it
 * back or lets it go. In between plain calls come behind them as ever.
 */
void order_take(struct record *record);
void order_give_back(struct record *record);

void order_forked(void);

#endif /* WINSOCK_ORDER_H */
