/* `breakwater witness`: its worker, and the files of a witness's folder. Between witness_*.c; no door. */
#ifndef BW_ACCORD_WITNESS_INNER_H
#define BW_ACCORD_WITNESS_INNER_H

#include "accord/run_workers.h"

int bw_door_run(struct bw_seat *seat);

#endif
