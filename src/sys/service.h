/*
 * The service manager's few conventions, spoken without its library:
 * notification datagrams, sockets it opened for us, credentials it decrypted for us.
 */
#ifndef BW_SYS_SERVICE_H
#define BW_SYS_SERVICE_H

#include "base/secret.h"
#include "sys/why.h"

/* E.g. "READY=1", "STATUS=...", "RELOADING=1", "STOPPING=1". Nothing happens without NOTIFY_SOCKET. */
void bw_service_notify(const char *state);

/* READY and RELOADING want the monotonic time beside them (Type=notify-reload). */
void bw_service_notify_reloading(void);

/* How often WATCHDOG=1 is to be said at least; 0: the manager does not ask for it. */
int64_t bw_service_watchdog_us(void);

/* Sockets passed by LISTEN_FDS for this process: non-blocking, close-on-exec. At most `max` are given. */
size_t bw_service_listen_fds(int *out, size_t max);

/* A credential (LoadCredential=, LoadCredentialEncrypted=) by name. NOT_FOUND when there is none. */
BW_MUST_USE enum bw_err bw_service_credential(const char *name, struct bw_secret *out, struct bw_why *why);

#endif
