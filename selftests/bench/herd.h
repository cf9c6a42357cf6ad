/* SPDX-License-Identifier: GPL-2.0-only */
/* Many threads of the library at one port or socket, and what its users cost each other. */
#ifndef HERD_H
#define HERD_H

void bench_herd(void);

#endif /* HERD_H */
