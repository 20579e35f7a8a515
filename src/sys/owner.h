/*
 * Root who works in the folder of a service's account makes files there that the service could
 * not open. So what root makes shall be the account's, while root may still go everywhere.
 */
#ifndef BW_SYS_OWNER_H
#define BW_SYS_OWNER_H

#include "sys/why.h"

/*
 * From here on, files and folders that this thread and its later children make belong to the owner and
 * group of `path`, wherever they are; what root may open stays as it was. Changes nothing for
 * anybody but root, for a path that is root's or not there. Call it before the first thread.
 * Errors: DENIED (this root may not take that account on).
 */
BW_MUST_USE enum bw_err bw_act_for_owner(const char *path, struct bw_why *why);

#endif
