// SPDX-License-Identifier: GPL-2.0-only
/*
 * net/core/sock.c: a socket's lock for threads that must not sleep for it
 * without end. A user can make the owner sleep inside send() for ever, on
 * memory that userfaultfd or FUSE never delivers.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <net/sock.h>

/* From here on the text that a kernel's tree gets, see core.h. */

/**
 * lock_sock_killable() - lock_sock() that a fatal signal or a time ends
 * @sk:		the socket
 * @timeout:	jiffies, or MAX_SCHEDULE_TIMEOUT
 *
 * Return: 0 with the socket locked, to be released by release_sock(), -EINTR or
 * -ETIMEDOUT.
 */
int lock_sock_killable(struct sock *sk, long timeout)
{
	DEFINE_WAIT(wait);
	int err = 0;

	might_sleep();
	spin_lock_bh(&sk->sk_lock.slock);
	while (sk->sk_lock.owned) {
		prepare_to_wait_exclusive(&sk->sk_lock.wq, &wait,
					  TASK_KILLABLE);
		if (fatal_signal_pending(current))
			err = -EINTR;
		else if (!timeout)
			err = -ETIMEDOUT;
		if (err)
			break;
		spin_unlock_bh(&sk->sk_lock.slock);
		timeout = schedule_timeout(timeout);
		spin_lock_bh(&sk->sk_lock.slock);
	}
	finish_wait(&sk->sk_lock.wq, &wait);
	if (!err)
		sk->sk_lock.owned = 1;
	else
		/* release_sock() wakes one thread, perhaps this: pass it on. */
		wake_up(&sk->sk_lock.wq);
	spin_unlock_bh(&sk->sk_lock.slock);
	if (!err)
		mutex_acquire(&sk->sk_lock.dep_map, 0, 0, _RET_IP_);
	return err;
}
EXPORT_SYMBOL_GPL(lock_sock_killable);

/**
 * lock_sock_or_queue() - lock a socket, or be called when it is unlocked
 * @sk:		the socket
 * @turn:	on no queue. Its function is called once, in any context, with
 *		the queue's lock held and interrupts off, and must remove @turn
 *
 * Process context. When the function is called another thread may have taken
 * the lock, as for every waiter; then queue again. @sk and @turn have to stay
 * until the call.
 *
 * Return: true with the socket locked, to be released by release_sock(); false:
 * @turn waits.
 */
bool lock_sock_or_queue(struct sock *sk, struct wait_queue_entry *turn)
{
	bool taken;

	/* As lock_sock() does it, without the sleep. */
	spin_lock_bh(&sk->sk_lock.slock);
	taken = !sk->sk_lock.owned;
	if (taken)
		sk->sk_lock.owned = 1;
	else
		add_wait_queue(&sk->sk_lock.wq, turn);
	spin_unlock_bh(&sk->sk_lock.slock);
	if (taken)
		mutex_acquire(&sk->sk_lock.dep_map, 0, 1, _RET_IP_);
	return taken;
}
EXPORT_SYMBOL_GPL(lock_sock_or_queue);
