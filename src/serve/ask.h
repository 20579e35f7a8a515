/*
 * The kinds of frames between the exchange's workers, and the fields of each
 * form (desk/form.h) in order. n: number, t: text or bytes, l: list.
 *
 * Every ask starts with an id that its answer repeats. Who may ask what is in
 * the tables of each worker; anything else ends the channel.
 */
#ifndef BW_SERVE_ASK_H
#define BW_SERVE_ASK_H

enum bw_ask_kind {
	/* front → gate: id n, way n (bw_auth_way), name t, secret t, address t (16 bytes) */
	BW_ASK_AUTH = 1,
	/* gate → front: id n, verdict n (bw_auth_verdict), account n, wait_ms n, generation n, name t */
	BW_ANS_AUTH,

	/* gate → pager: id n, way n, value t (name, key hash or certificate fingerprint) */
	BW_ASK_ACCOUNT,
	/* pager → gate: id n, found n, account n, generation n, password t (PHC), name t */
	BW_ANS_ACCOUNT,

	/* front → pager: id n, account n, what n, method n, collection t, object t, status t, added_after n,
	   limit n, picks n, ids l, types l, versions l, specs l */
	BW_ASK_READ,
	/* pager, keeper → front: id n, status n, collection n, generation n, headers t, body t; a memory file
	   instead of the body when it is large. Status 0 after a POST or DELETE: go on, collection says where */
	BW_ANS_REPLY,

	/* front → reader, with the sealed body: id n */
	BW_ASK_PARSE,
	/* reader → front, with the sealed batch when there is one: id n, status n (0: fine), total n, problem t,
	   failures l (id, version, message, id …) */
	BW_ANS_PARSED,

	/* front → keeper, with the sealed batch: id n, account n, collection n, total n, failures l, name t, address t,
	   target t */
	BW_ASK_PUT,
	/* front → keeper: id n, account n, collection t, object t, picks n, versions l, specs l, name t, address t,
	   target t */
	BW_ASK_DELETE,
	/* front → keeper: batch n, lines l (each: name, address, action, target, status, count as a form) */
	BW_ASK_SEEN,
	/* keeper → front: batch n, stored n (1: on disk; 0: nothing of it is, send it again) */
	BW_ANS_SEEN,

	/* keeper → signer: id n, domain t, message t */
	BW_ASK_SIGN,
	/* signer → keeper: id n, fine n, signature t, fingerprint t */
	BW_ANS_SIGN,

	/* parent → workers */
	BW_TELL_SETTINGS = 100, /* key = value lines; see serve/settings.h */
	BW_TELL_CERT,           /* to front: certificate chain t, key t, client CA t */
	BW_TELL_MEMORY,         /* keeper's catalogue (what n = 0) and bulletin (1) files: what n */
	BW_TELL_KEYS,           /* to signer: sealed keys t, passphrase t */
	BW_TELL_OPEN,           /* to front: everybody is ready, accept clients; no fields */
	BW_ASK_SHARE,           /* keeper → parent: hand this memory file to the others: what n */
};

enum bw_auth_way { BW_AUTH_PASSWORD = 1, BW_AUTH_KEY = 2, BW_AUTH_CERT = 3, BW_AUTH_WAY_MAX = 3 };

enum bw_auth_verdict {
	BW_AUTH_OK,
	BW_AUTH_DENIED,
	BW_AUTH_SLOW_DOWN, /* too many failures: try again after wait_ms */
	BW_AUTH_UNAVAILABLE,
	BW_AUTH_VERDICT_MAX = BW_AUTH_UNAVAILABLE,
};

/* Field counts, for bw_form_take. */
enum {
	BW_FIELDS_ASK_AUTH = 5,
	BW_FIELDS_ANS_AUTH = 6,
	BW_FIELDS_ASK_ACCOUNT = 3,
	BW_FIELDS_ANS_ACCOUNT = 6,
	BW_FIELDS_ASK_READ = 14,
	BW_FIELDS_ANS_REPLY = 6,
	BW_FIELDS_ASK_PARSE = 1,
	BW_FIELDS_ANS_PARSED = 5,
	BW_FIELDS_ASK_PUT = 8,
	BW_FIELDS_ASK_DELETE = 10,
	BW_FIELDS_ASK_SEEN = 2,
	BW_FIELDS_SEEN_LINE = 6,
	BW_FIELDS_ANS_SEEN = 2,
	BW_FIELDS_ASK_SIGN = 3,
	BW_FIELDS_ANS_SIGN = 4,
};

#endif
