/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <poll.h> behind <winsock2.h>, which has defined struct pollfd and its constants. */
#pragma GCC system_header
#include_next <sys/poll.h>

#ifdef WINSOCK_HIDES_POLL
#undef WINSOCK_HIDES_POLL
__BEGIN_DECLS
typedef unsigned long int nfds_t;
extern int poll(struct pollfd *polled, nfds_t count, int timeout);
__END_DECLS
#endif
