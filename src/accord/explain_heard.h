/* `accord explain --from`: what became here of an object that a partner told. For explain_command.c alone. */
#ifndef BW_ACCORD_EXPLAIN_HEARD_H
#define BW_ACCORD_EXPLAIN_HEARD_H

#include "accord/looking.h"

/* Prints, as text or JSON by the call. */
BW_MUST_USE enum bw_err bw_explain_heard(struct bw_looking *l, const struct bw_peer *peer);

#endif
