/*
 * The exchange a guard listens to (`guard run --exchange URL`) and the one it reports to (`--report-to URL`): where, as
 * whom, and whom it trusts there. The parent reads what root gave on the command line; the caller alone is told.
 *
 * A URL names one collection (".../collections/NAME/"), and NAME is whom its entries are said to be of: each
 * partner has an inbound collection of his own, whose name no partner chooses.
 */
#ifndef BW_GUARD_EXCHANGE_H
#define BW_GUARD_EXCHANGE_H

#include "base/command.h"
#include "guard/foreign.h"
#include "net/url.h"
#include "sys/why.h"

enum { BW_EXCHANGE_BYTES = 512 * 1024 }; /* URLs, a key, certificates to trust */

struct bw_exchange {
	size_t count; /* 0: it listens to none */
	struct bw_url urls[BW_FOREIGN_LINES_MAX];
	char names[BW_FOREIGN_LINES_MAX][BW_FOREIGN_PEER_BYTES + 1];
	bool reports; /* to a collection there: */
	struct bw_url report_to;
	char report_name[BW_FOREIGN_PEER_BYTES + 1];
	bool has_pin;
	uint8_t pin[32];
	struct bw_buf ca;     /* PEM; empty: the system's */
	struct bw_buf header; /* "Authorization: …\r\n"; secret */
};

#define BW_EXCHANGE_OPTIONS                                                                                          \
	{ .name = "exchange",                                                                                        \
	  .kind = BW_OPT_TEXT,                                                                                       \
	  .value_name = "URL",                                                                                       \
	  .repeat = true,                                                                                            \
	  .help = "listen to this collection of an exchange (.../api/collections/NAME/): what others warn of makes " \
		  "the guard hold sooner, and never end anything. Up to 8 of them" },                                \
		{ .name = "report-to",                                                                               \
		  .kind = BW_OPT_TEXT,                                                                               \
		  .value_name = "URL",                                                                               \
		  .help = "bring what may leave of an incident into this collection of an exchange "                 \
			  "(.../api/collections/NAME/): no paths, no names, no private addresses" },                 \
		{ .name = "report-when",                                                                             \
		  .kind = BW_OPT_CHOICE,                                                                             \
		  .choices = "verdict|approved",                                                                     \
		  .fallback = "verdict",                                                                             \
		  .help = "verdict: within the second; approved: once a person has said `guard report ID --send`" }, \
		{ .name = "key",                                                                                     \
		  .kind = BW_OPT_TEXT,                                                                               \
		  .value_name = "FILE",                                                                              \
		  .help = "API key of the guard's account there" },                                                  \
		{ .name = "cacert",                                                                                  \
		  .kind = BW_OPT_TEXT,                                                                               \
		  .value_name = "FILE",                                                                              \
		  .help = "trust the certificates in FILE (PEM) for it instead of the system's" },                   \
	{                                                                                                            \
		.name = "pin", .kind = BW_OPT_TEXT, .value_name = "SHA256",                                          \
		.help = "trust the certificate with this fingerprint only, whoever issued it"                        \
	}

/* What the command line says; none is OK. USAGE and others, with a sentence. */
BW_MUST_USE enum bw_err bw_exchange_read(const struct bw_call *call, struct bw_exchange *out, struct bw_why *why);
void bw_exchange_release(struct bw_exchange *exchange); /* wiped */

/* TELL_EXCHANGE, from the parent to the caller. TOO_BIG, PROTOCOL. */
BW_MUST_USE enum bw_err bw_exchange_add(struct bw_buf *out, const struct bw_exchange *exchange);
BW_MUST_USE enum bw_err bw_exchange_parse(struct bw_slice body, struct bw_exchange *out);

#endif
