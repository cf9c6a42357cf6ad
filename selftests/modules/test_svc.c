// SPDX-License-Identifier: GPL-2.0-only
/*
 * The signalling daemon's okay to a connect. Kernels with a recent fix accept answers for listed
 * circuits only, and list them when they are connected: a daemon can only release a circuit, not
 * set it up. This answers as the daemon's as_okay did.
 */
#include <linux/atmdev.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/uaccess.h>
#include <net/sock.h>

#include "test_svc.h"

static int svc_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct test_svc_okay okay;
	struct atm_vcc *vcc;

	if (cmd != TEST_SVC_OKAY)
		return -ENOIOCTLCMD;
	if (copy_from_user(&okay, (void __user *)arg, sizeof(okay)))
		return -EFAULT;
	vcc = (struct atm_vcc *)(unsigned long)okay.vcc;
	vcc->itf = 0;
	vcc->vpi = 0;
	vcc->vci = okay.vci;
	sk_atm(vcc)->sk_err = 0;
	clear_bit(ATM_VF_WAITING, &vcc->flags);
	sk_atm(vcc)->sk_state_change(sk_atm(vcc));
	return 0;
}

static struct atm_ioctl svc_handler = {
	.owner	= THIS_MODULE,
	.ioctl	= svc_ioctl,
};

static int __init svc_init(void)
{
	register_atm_ioctl(&svc_handler);
	return 0;
}

static void __exit svc_exit(void)
{
	deregister_atm_ioctl(&svc_handler);
}

module_init(svc_init);
module_exit(svc_exit);

MODULE_DESCRIPTION("A yes to a connect of ATM, for winsock's tests");
MODULE_LICENSE("GPL");
