/* What one batch may hold on its way to the store, whoever sends it. */
#ifndef BW_DESK_LIMITS_H
#define BW_DESK_LIMITS_H

#include "base/macros.h"

enum {
	/* failures and successes listed in a status resource; the counts are always whole */
	BW_STATUS_LIST_MAX = 10000,
};

/* batch of one request in flight between reader and keeper */
#define BW_BATCH_BYTES_MAX (256 * BW_MIB)

#endif
