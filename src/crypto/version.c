#include "crypto/version.h"

#include <openssl/crypto.h>

const char *bw_crypto_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
