// SPDX-License-Identifier: GPL-2.0-only
/*
 * An ATM interface without hardware: a packet sent on a circuit arrives on the one whose VCI
 * differs in the last bit. atmtcp would do, but newer kernels accept no control messages from its
 * daemon.
 */
#include <linux/atmdev.h>
#include <linux/module.h>
#include <linux/skbuff.h>
#include <net/sock.h>

static struct atm_dev *device;
static struct sk_buff_head held;

static void forward(struct sk_buff *skb)
{
	struct atm_vcc *from = ATM_SKB(skb)->vcc, *vcc;
	struct sk_buff *copy;
	struct sock *sk;

	read_lock(&vcc_sklist_lock);
	sk_for_each(sk, &vcc_hash[(from->vci ^ 1) & (VCC_HTABLE_SIZE - 1)]) {
		vcc = atm_sk(sk);
		if (vcc->dev != from->dev || vcc->vpi != from->vpi || vcc->vci != (from->vci ^ 1))
			continue;
		copy = skb_copy(skb, GFP_ATOMIC);
		if (copy && atm_charge(vcc, copy->truesize))
			vcc->push(vcc, copy);
		else
			kfree_skb(copy);
	}
	read_unlock(&vcc_sklist_lock);
	from->pop(from, skb);
}

/* 1: cells are held back, until it is 0 again. */
static bool hold;

static int hold_set(const char *text, const struct kernel_param *param)
{
	int err = param_set_bool(text, param);
	struct sk_buff *skb;

	while (!err && !hold && (skb = skb_dequeue(&held)))
		forward(skb);
	return err;
}

static const struct kernel_param_ops hold_ops = {
	.set	= hold_set,
	.get	= param_get_bool,
};
module_param_cb(hold, &hold_ops, &hold, 0644);

static int loop_open(struct atm_vcc *vcc)
{
	set_bit(ATM_VF_ADDR, &vcc->flags);
	set_bit(ATM_VF_READY, &vcc->flags);
	return 0;
}

/* Free the cells of the circuit that are still held back. */
static void loop_close(struct atm_vcc *vcc)
{
	struct sk_buff_head others;
	struct sk_buff *skb;

	skb_queue_head_init(&others);
	while ((skb = skb_dequeue(&held)))
		if (ATM_SKB(skb)->vcc == vcc)
			vcc->pop(vcc, skb);
		else
			skb_queue_tail(&others, skb);
	skb_queue_splice_tail(&others, &held);
	clear_bit(ATM_VF_READY, &vcc->flags);
	clear_bit(ATM_VF_ADDR, &vcc->flags);
}

static int loop_send(struct atm_vcc *vcc, struct sk_buff *skb)
{
	ATM_SKB(skb)->vcc = vcc;
	if (hold)
		skb_queue_tail(&held, skb);
	else
		forward(skb);
	return 0;
}

static const struct atmdev_ops loop_ops = {
	.open	= loop_open,
	.close	= loop_close,
	.send	= loop_send,
	.owner	= THIS_MODULE,
};

static int __init loop_init(void)
{
	skb_queue_head_init(&held);
	device = atm_dev_register("test", NULL, &loop_ops, 0, NULL);
	if (!device)
		return -ENODEV;
	device->ci_range.vpi_bits = 8;
	device->ci_range.vci_bits = 16;
	return 0;
}

static void __exit loop_exit(void)
{
	atm_dev_deregister(device);
}

module_init(loop_init);
module_exit(loop_exit);

MODULE_DESCRIPTION("An ATM interface without hardware, for winsock's tests");
MODULE_LICENSE("GPL");
