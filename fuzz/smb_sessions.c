/* Whatever smbstatus is said to have written: names keep their bounds, and addresses hold nothing else. */
#include <stdlib.h>

#include "guard/samba_sessions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum bw_err see(void *context, const struct bw_samba_session *session)
{
	size_t *count = context;

	if (session->pid == 0 || session->pid > INT32_MAX || session->user.len > BW_SAMBA_NAME_MAX ||
	    session->address.len > BW_SAMBA_ADDRESS_MAX)
		abort();
	for (size_t i = 0; i < session->address.len; i++) {
		if (session->address.ptr[i] == 0 ||
		    strchr("0123456789abcdefABCDEF.:%", session->address.ptr[i]) == NULL)
			abort();
	}
	return ++*count > BW_SAMBA_SESSIONS_MAX ? BW_ERR_TOO_MANY : BW_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t passed_over = 0;
	size_t count = 0;

	if (bw_samba_sessions(bw_slice_of(data, size), see, &count, &passed_over) == BW_ERR_TOO_MANY)
		abort(); /* no input this short holds so many */
	return 0;
}
