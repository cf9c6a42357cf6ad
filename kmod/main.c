// SPDX-License-Identifier: GPL-2.0-only
/* Winsock's closesocket for Linux sockets: loading and unloading. */
#include <linux/module.h>
#include <net/net_namespace.h>

#include "close.h"
#include "netns.h"
#include "op.h"
#include "ulp.h"

static int __init winsock_init(void)
{
	int err;

	err = register_pernet_subsys(&winsock_netns_ops);
	if (err)
		return err;
	err = register_pernet_subsys(&winsock_pending_ops);
	if (err)
		goto exit_netns;
	err = winsock_op_init();
	if (err)
		goto exit_pending;
	winsock_orphan_init();
	err = winsock_ulp_init();
	if (err)
		goto exit_op;
	/* Last: once a program has opened the device, loading cannot fail. */
	err = winsock_device_init();
	if (err)
		goto exit_ulp;
	winsock_ulp_start();
	return 0;

exit_ulp:
	winsock_ulp_exit();
exit_op:
	winsock_orphan_exit();
	winsock_op_exit();
exit_pending:
	unregister_pernet_subsys(&winsock_pending_ops);
exit_netns:
	unregister_pernet_subsys(&winsock_netns_ops);
	return err;
}

static void __exit winsock_exit(void)
{
	winsock_device_exit();
	winsock_ulp_exit();
	winsock_orphan_exit();
	winsock_op_exit();
	unregister_pernet_subsys(&winsock_pending_ops);
	unregister_pernet_subsys(&winsock_netns_ops);
}

module_init(winsock_init);
module_exit(winsock_exit);

MODULE_DESCRIPTION("Winsock's closesocket");
MODULE_AUTHOR("The winsock authors");
MODULE_VERSION(WINSOCK_VERSION);
MODULE_LICENSE("GPL");
