/* SPDX-License-Identifier: GPL-2.0-only */
/* Included where KUnit has no stubs: before 6.3. */
#ifndef WINSOCK_COMPAT_STATIC_STUB_H
#define WINSOCK_COMPAT_STATIC_STUB_H

#define KUNIT_STATIC_STUB_REDIRECT(function, ...) do { } while (0)

#endif /* WINSOCK_COMPAT_STATIC_STUB_H */
