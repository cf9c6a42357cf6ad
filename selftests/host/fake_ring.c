// SPDX-License-Identifier: GPL-2.0-only
/* Between the library and its io_uring, by -Wl,--wrap=ring_receive. See fake_ring.h. */
#include "../../userlib/src/ring.h"
#include "fake_ring.h"

bool __real_ring_receive(struct ring_request *request, int fd, struct msghdr *message, int flags,
			 bool stream);
bool __wrap_ring_receive(struct ring_request *request, int fd, struct msghdr *message, int flags,
			 bool stream);

__thread bool fake_ring_is_full;

bool __wrap_ring_receive(struct ring_request *request, int fd, struct msghdr *message, int flags,
			 bool stream)
{
	return !fake_ring_is_full && __real_ring_receive(request, fd, message, flags, stream);
}
