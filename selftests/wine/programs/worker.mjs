// SPDX-License-Identifier: GPL-2.0-only
// For workerd.
const big = new Uint8Array(16 << 20);

export default { fetch() { return new Response(big); } };
