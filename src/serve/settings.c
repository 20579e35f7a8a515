#include "serve/settings.h"

#include "desk/form.h"

enum { FIELDS = 6 };

enum bw_err bw_settings_add(struct bw_buf *out, const struct bw_serve_settings *settings)
{
	BW_TRY(bw_form_add_text(out, settings->title));
	BW_TRY(bw_form_add_text(out, settings->description));
	BW_TRY(bw_form_add_text(out, settings->contact));
	BW_TRY(bw_form_add_num(out, settings->max_content_bytes));
	BW_TRY(bw_form_add_num(out, settings->require_sandbox));
	return bw_form_add_num(out, settings->plain);
}

enum bw_err bw_settings_take(struct bw_slice body, struct bw_serve_settings *out)
{
	struct bw_serve_settings s = { 0 };
	struct bw_form form;
	uint64_t require;
	uint64_t plain;

	BW_TRY(bw_form_take(body, FIELDS, &form));
	BW_TRY(bw_form_text(&form, 0, s.title, sizeof(s.title)));
	BW_TRY(bw_form_text(&form, 1, s.description, sizeof(s.description)));
	BW_TRY(bw_form_text(&form, 2, s.contact, sizeof(s.contact)));
	BW_TRY(bw_form_num(&form, 3, UINT32_MAX, &s.max_content_bytes));
	BW_TRY(bw_form_num(&form, 4, 1, &require));
	BW_TRY(bw_form_num(&form, 5, 1, &plain));
	s.require_sandbox = require == 1;
	s.plain = plain == 1;
	*out = s;
	return BW_OK;
}
