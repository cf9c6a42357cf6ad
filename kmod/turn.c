// SPDX-License-Identifier: GPL-2.0-only
/*
 * A turn at a socket's lock. Its owner may sleep in a call for as long as the memory that
 * it copies from is not there, which a user can make for ever.
 */
#include <linux/list.h>
#include <linux/spinlock.h>
#include <net/sock.h>

#include "turn.h"

static int turn_come(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key)
{
	struct winsock_turn *turn = container_of(entry, struct winsock_turn, entry);

	list_del_init(&entry->entry);
	turn->come(turn);
	return 0;
}

void winsock_turn_init(struct winsock_turn *turn, void (*come)(struct winsock_turn *turn))
{
	init_waitqueue_func_entry(&turn->entry, turn_come);
	INIT_LIST_HEAD(&turn->entry.entry);
	turn->come = come;
}

bool winsock_turn_take(struct sock *sk, struct winsock_turn *turn)
{
	bool taken;

	/* As lock_sock() does it, but for the sleep: who lets go looks at the queue. */
	spin_lock_bh(&sk->sk_lock.slock);
	taken = !sk->sk_lock.owned;
	if (taken)
		sk->sk_lock.owned = 1;
	else
		add_wait_queue(&sk->sk_lock.wq, &turn->entry);
	spin_unlock_bh(&sk->sk_lock.slock);
	if (taken)
		mutex_acquire(&sk->sk_lock.dep_map, 0, 1, _THIS_IP_);
	return taken;
}
