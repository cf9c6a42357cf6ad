// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names of numbers. */
#include <linux/winsock.h>

#include "ctl.h"

static const char *const state_names[] = {
	"NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
	"CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
};

static const char *const state_outcomes[] = {
	[0] = "none",
	[WINSOCK_OUTCOME_GRACEFUL] = "graceful",
	[WINSOCK_OUTCOME_DEADLINE] = "deadline",
	[WINSOCK_OUTCOME_REQUEST] = "request",
	[WINSOCK_OUTCOME_PEER] = "peer",
	[WINSOCK_OUTCOME_SHARED] = "shared",
	[WINSOCK_OUTCOME_UNREAD] = "unread",
	[WINSOCK_OUTCOME_CANCELLED] = "cancelled",
	[WINSOCK_OUTCOME_FORCED] = "forced",
};

const char *state_name(unsigned int state)
{
	return state < sizeof(state_names) / sizeof(state_names[0]) ? state_names[state] : "?";
}

const char *state_outcome(unsigned int outcome)
{
	return outcome < sizeof(state_outcomes) / sizeof(state_outcomes[0]) ?
	       state_outcomes[outcome] : "?";
}
