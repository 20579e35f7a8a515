/*
 * Who is served by which smbd child: the text of `smbstatus --json` of Samba 4.17 and later. Pure; a stranger's text,
 * because user and machine names in it are chosen by clients.
 *
 *   {"sessions": {"ID": {"server_id": {"pid": "1699"}, "username": "eve", "remote_machine": "10.0.0.9",
 *                        "hostname": "ipv4:10.0.0.9:60638", ...}, ...}, ...}
 *
 * The address is taken from "hostname", which smbd writes itself ("ipv4:ADDRESS:PORT", "ipv6:[ADDRESS]:PORT" or
 * "ipv6:ADDRESS:PORT"), never from "remote_machine", which may be a name the client chose.
 */
#ifndef BW_GUARD_SAMBA_SESSIONS_H
#define BW_GUARD_SAMBA_SESSIONS_H

#include "base/bytes.h"

enum {
	BW_SAMBA_TEXT_MAX = 32 * 1024 * 1024,
	BW_SAMBA_SESSIONS_MAX = 65536,
	BW_SAMBA_NAME_MAX = 512, /* DOMAIN\user; longer ones are refused */
	BW_SAMBA_ADDRESS_MAX = 64,
};

struct bw_samba_session {
	uint32_t pid;            /* of the smbd child */
	uint32_t uid;            /* UINT32_MAX: Samba did not say */
	struct bw_slice user;    /* empty: it is still logging in */
	uint16_t port;           /* the client's; 0: no address in a form we know */
	struct bw_slice address; /* empty then */
};

/*
 * Calls `see` for each session; its slices last until it returns, and its error ends the walk and is passed up. A
 * session of another form is passed over and counted. TOO_BIG, TOO_MANY; and those of codec/json_walk.h when the
 * text as a whole is not what smbstatus writes. Sessions before the place that is wrong have been seen by then.
 */
BW_MUST_USE enum bw_err bw_samba_sessions(struct bw_slice text,
					  enum bw_err (*see)(void *context, const struct bw_samba_session *session),
					  void *context, size_t *out_passed_over);

#endif
