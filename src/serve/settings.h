/*
 * What the exchange is told at start and at reload, from the command line, the
 * config file and the store. The parent reads it; workers get it as a form.
 */
#ifndef BW_SERVE_SETTINGS_H
#define BW_SERVE_SETTINGS_H

#include "base/bytes.h"

enum { BW_SETTING_TEXT_MAX = 512 };

struct bw_serve_settings {
	char title[BW_SETTING_TEXT_MAX];
	char description[BW_SETTING_TEXT_MAX];
	char contact[BW_SETTING_TEXT_MAX];
	uint64_t max_content_bytes;
	bool require_sandbox;
	bool plain; /* no TLS; loopback only */
};

BW_MUST_USE enum bw_err bw_settings_add(struct bw_buf *out, const struct bw_serve_settings *settings);
BW_MUST_USE enum bw_err bw_settings_take(struct bw_slice body, struct bw_serve_settings *out);

#endif
