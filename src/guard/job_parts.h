/* What the files of `guard job` share. */
#ifndef BW_GUARD_JOB_PARTS_H
#define BW_GUARD_JOB_PARTS_H

#include "base/command.h"
#include "guard/job_book.h"

enum { JOB_MEMORY = 8 * 1024 * 1024, JOB_NAMES_MAX = 2 * BW_JOBS_MAX };

int job_sign(const struct bw_call *call);
int job_revoke(const struct bw_call *call);
int job_run(const struct bw_call *call);

#endif
