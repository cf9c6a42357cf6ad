// SPDX-License-Identifier: GPL-2.0-only
/* Winsock's closesocket for Linux sockets: loading and unloading. */
#include <linux/module.h>

#include "device.h"
#include "mib.h"
#include "netns.h"
#include "op.h"
#include "pending.h"
#include "ulp.h"

static int __init winsock_init(void)
{
	int err;

	err = winsock_netns_init();
	if (err)
		return err;
	err = winsock_mib_init();
	if (err)
		goto exit_netns;
	err = winsock_pending_init();
	if (err)
		goto exit_mib;
	err = winsock_op_init();
	if (err)
		goto exit_pending;
	err = winsock_ulp_init();
	if (err)
		goto exit_op;
	/* Last: what has been opened could not be closed again. */
	err = winsock_device_init();
	if (err)
		goto exit_ulp;
	winsock_ulp_start();
	return 0;

exit_ulp:
	winsock_ulp_exit();
exit_op:
	winsock_op_exit();
exit_pending:
	winsock_pending_exit();
exit_mib:
	winsock_mib_exit();
exit_netns:
	winsock_netns_exit();
	return err;
}

static void __exit winsock_exit(void)
{
	winsock_device_exit();
	winsock_ulp_exit();
	winsock_op_exit();
	winsock_pending_exit();
	winsock_mib_exit();
	winsock_netns_exit();
}

module_init(winsock_init);
module_exit(winsock_exit);

MODULE_DESCRIPTION("Winsock's closesocket");
MODULE_AUTHOR("The winsock authors");
MODULE_VERSION(WINSOCK_VERSION);
MODULE_LICENSE("GPL");
