/* Between struct bw_net_address and the kernel's own form; for this room only. */
#ifndef BW_NET_SOCKADDR_H
#define BW_NET_SOCKADDR_H

#include <sys/socket.h>

#include "net/address.h"

/* All zero for families other than IPv4 and IPv6. */
void bw_net_address_from(const struct sockaddr_storage *from, struct bw_net_address *out);

/* Returns the length for bind and connect. */
socklen_t bw_net_address_to(const struct bw_net_address *address, struct sockaddr_storage *out);

#endif
