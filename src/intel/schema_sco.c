#include "intel/schema_rows.h"

/* ---- SCOs (§6) ------------------------------------------------------------------- */

static const struct bw_prop custom_sco[] = { COMMON_SCO, END };
static const struct bw_prop artifact[] = { COMMON_SCO,
					   FORMAT("mime_type", 0, MIME_MUST),
					   ROW("payload_bin", BINARY, 0, 0),
					   ROW("url", URL, VALUE, 0),
					   HASHES("hashes", VALUE),
					   ENUM("encryption_algorithm", 0, ENCRYPTION_ALGORITHM),
					   STRING("decryption_key", 0),
					   END };
static const struct bw_prop autonomous_system[] = { COMMON_SCO, INT("number", MUST, ANY), STRING("name", TEXT),
						    STRING("rir", 0), END };
static const struct bw_prop directory[] = { COMMON_SCO,
					    STRING("path", MUST | VALUE),
					    FORMAT("path_enc", 0, CHARSET),
					    TIME("ctime", 0),
					    TIME("mtime", 0),
					    TIME("atime", 0),
					    REF("contains_refs", LIST, FILE_OR_DIRECTORY),
					    END };
static const struct bw_prop domain_name[] = { COMMON_SCO, FORMAT("value", MUST | VALUE, DOMAIN),
					      REF("resolves_to_refs", LIST, NAME_OR_ADDRESS), END };
static const struct bw_prop email_addr[] = { COMMON_SCO, FORMAT("value", MUST | VALUE, EMAIL),
					     STRING("display_name", TEXT), REF("belongs_to_ref", 0, USER_ACCOUNT),
					     END };
static const struct bw_prop email_message[] = { COMMON_SCO,
						FLAG("is_multipart", MUST),
						TIME("date", 0),
						STRING("content_type", 0),
						REF("from_ref", 0, EMAIL_ADDR),
						REF("sender_ref", 0, EMAIL_ADDR),
						REF("to_refs", LIST, EMAIL_ADDR),
						REF("cc_refs", LIST, EMAIL_ADDR),
						REF("bcc_refs", LIST, EMAIL_ADDR),
						STRING("message_id", VALUE),
						STRING("subject", TEXT),
						STRING("received_lines", LIST),
						DICT("additional_header_fields", 0, MAIL_HEADER),
						STRING("body", TEXT),
						SHAPE("body_multipart", LIST, MIME_PART),
						REF("raw_email_ref", 0, ARTIFACT),
						END };
static const struct bw_prop file[] = { COMMON_SCO,
				       HASHES("hashes", VALUE),
				       INT("size", 0, NATURAL),
				       STRING("name", VALUE),
				       FORMAT("name_enc", 0, CHARSET),
				       HEX("magic_number_hex", 0),
				       FORMAT("mime_type", 0, MIME_SHOULD),
				       TIME("ctime", 0),
				       TIME("mtime", 0),
				       TIME("atime", 0),
				       REF("parent_directory_ref", 0, DIRECTORY),
				       REF("contains_refs", LIST, ANY),
				       REF("content_ref", 0, ARTIFACT),
				       END };
#define ADDRESS(form)                                                                 \
	FORMAT("value", MUST | VALUE, form), REF("resolves_to_refs", LIST, MAC_ADDR), \
		REF("belongs_to_refs", LIST, AUTONOMOUS_SYSTEM)
static const struct bw_prop ipv4_addr[] = { COMMON_SCO, ADDRESS(IPV4), END };
static const struct bw_prop ipv6_addr[] = { COMMON_SCO, ADDRESS(IPV6), END };
static const struct bw_prop mac_addr[] = { COMMON_SCO, FORMAT("value", MUST | VALUE, MAC), END };
static const struct bw_prop mutex[] = { COMMON_SCO, STRING("name", MUST | VALUE), END };
static const struct bw_prop network_traffic[] = { COMMON_SCO,
						  TIME("start", 0),
						  TIME("end", 0),
						  FLAG("is_active", 0),
						  REF("src_ref", 0, ENDPOINT),
						  REF("dst_ref", 0, ENDPOINT),
						  INT("src_port", 0, PORT),
						  INT("dst_port", 0, PORT),
						  FORMAT("protocols", MUST | LIST, PROTOCOL),
						  INT("src_byte_count", 0, ANY),
						  INT("dst_byte_count", 0, ANY),
						  INT("src_packets", 0, ANY),
						  INT("dst_packets", 0, ANY),
						  DICT("ipfix", 0, IPFIX),
						  REF("src_payload_ref", 0, ARTIFACT),
						  REF("dst_payload_ref", 0, ARTIFACT),
						  REF("encapsulates_refs", LIST, NETWORK_TRAFFIC),
						  REF("encapsulated_by_ref", 0, NETWORK_TRAFFIC),
						  END };
static const struct bw_prop process[] = { COMMON_SCO,
					  FLAG("is_hidden", 0),
					  INT("pid", 0, ANY),
					  TIME("created_time", 0),
					  STRING("cwd", 0),
					  STRING("command_line", VALUE),
					  DICT("environment_variables", 0, ANY),
					  REF("opened_connection_refs", LIST, NETWORK_TRAFFIC),
					  REF("creator_user_ref", 0, USER_ACCOUNT),
					  REF("image_ref", 0, FILE),
					  REF("parent_ref", 0, PROCESS),
					  REF("child_refs", LIST, PROCESS),
					  END };
static const struct bw_prop software[] = { COMMON_SCO,
					   STRING("name", MUST | VALUE),
					   FORMAT("cpe", VALUE, CPE),
					   STRING("swid", 0),
					   FORMAT("languages", LIST, SOFTWARE_LANG),
					   STRING("vendor", TEXT),
					   STRING("version", 0),
					   END };
static const struct bw_prop url[] = { COMMON_SCO, ROW("value", URL, MUST | VALUE, 0), END };
static const struct bw_prop user_account[] = { COMMON_SCO,
					       STRING("user_id", VALUE),
					       STRING("credential", 0),
					       STRING("account_login", VALUE),
					       VOCAB("account_type", 0, ACCOUNT_TYPE),
					       STRING("display_name", TEXT),
					       FLAG("is_service_account", 0),
					       FLAG("is_privileged", 0),
					       FLAG("can_escalate_privs", 0),
					       FLAG("is_disabled", 0),
					       TIME("account_created", 0),
					       TIME("account_expires", 0),
					       TIME("credential_last_changed", 0),
					       TIME("account_first_login", 0),
					       TIME("account_last_login", 0),
					       END };
static const struct bw_prop windows_registry_key[] = { COMMON_SCO,
						       FORMAT("key", VALUE, REGISTRY_KEY),
						       SHAPE("values", LIST, REGISTRY_VALUE),
						       TIME("modified_time", 0),
						       REF("creator_user_ref", 0, USER_ACCOUNT),
						       INT("number_of_subkeys", 0, ANY),
						       END };
static const struct bw_prop x509_certificate[] = { COMMON_SCO,
						   FLAG("is_self_signed", 0),
						   HASHES("hashes", VALUE),
						   STRING("version", 0),
						   STRING("serial_number", VALUE),
						   STRING("signature_algorithm", 0),
						   STRING("issuer", TEXT),
						   TIME("validity_not_before", 0),
						   TIME("validity_not_after", 0),
						   STRING("subject", TEXT),
						   STRING("subject_public_key_algorithm", 0),
						   STRING("subject_public_key_modulus", 0),
						   INT("subject_public_key_exponent", 0, ANY),
						   SHAPE("x509_v3_extensions", 0, X509_V3),
						   END };

/* ---- what nests in them ------------------------------------------------------------- */

static const struct bw_prop mime_part[] = { STRING("body", TEXT), REF("body_raw_ref", 0, SAMPLE),
					    STRING("content_type", 0), STRING("content_disposition", 0), END };
static const struct bw_prop registry_value[] = { STRING("name", 0), STRING("data", 0),
						 ENUM("data_type", 0, REGISTRY_DATATYPE), END };
static const struct bw_prop x509_v3[] = { STRING("basic_constraints", 0),
					  STRING("name_constraints", 0),
					  STRING("policy_constraints", 0),
					  STRING("key_usage", 0),
					  STRING("extended_key_usage", 0),
					  STRING("subject_key_identifier", 0),
					  STRING("authority_key_identifier", 0),
					  STRING("subject_alternative_name", TEXT),
					  STRING("issuer_alternative_name", TEXT),
					  STRING("subject_directory_attributes", 0),
					  STRING("crl_distribution_points", 0),
					  STRING("inhibit_any_policy", 0),
					  TIME("private_key_usage_period_not_before", 0),
					  TIME("private_key_usage_period_not_after", 0),
					  STRING("certificate_policies", 0),
					  STRING("policy_mappings", 0),
					  END };
static const struct bw_prop data_stream[] = { STRING("name", MUST), HASHES("hashes", VALUE), INT("size", 0, NATURAL),
					      END };
static const struct bw_prop pe_section[] = { STRING("name", MUST), INT("size", 0, NATURAL), NUMBER("entropy", 0, ANY),
					     HASHES("hashes", VALUE), END };
static const struct bw_prop pe_header[] = { HEX("magic_hex", 0),
					    INT("major_linker_version", 0, ANY),
					    INT("minor_linker_version", 0, ANY),
					    INT("size_of_code", 0, NATURAL),
					    INT("size_of_initialized_data", 0, NATURAL),
					    INT("size_of_uninitialized_data", 0, NATURAL),
					    INT("address_of_entry_point", 0, ANY),
					    INT("base_of_code", 0, ANY),
					    INT("base_of_data", 0, ANY),
					    INT("image_base", 0, ANY),
					    INT("section_alignment", 0, ANY),
					    INT("file_alignment", 0, ANY),
					    INT("major_os_version", 0, ANY),
					    INT("minor_os_version", 0, ANY),
					    INT("major_image_version", 0, ANY),
					    INT("minor_image_version", 0, ANY),
					    INT("major_subsystem_version", 0, ANY),
					    INT("minor_subsystem_version", 0, ANY),
					    HEX("win32_version_value_hex", 0),
					    INT("size_of_image", 0, NATURAL),
					    INT("size_of_headers", 0, NATURAL),
					    HEX("checksum_hex", 0),
					    HEX("subsystem_hex", 0),
					    HEX("dll_characteristics_hex", 0),
					    INT("size_of_stack_reserve", 0, NATURAL),
					    INT("size_of_stack_commit", 0, NATURAL),
					    INT("size_of_heap_reserve", 0, NATURAL),
					    INT("size_of_heap_commit", 0, NATURAL),
					    HEX("loader_flags_hex", 0),
					    INT("number_of_rva_and_sizes", 0, ANY),
					    HASHES("hashes", VALUE),
					    END };

/* ---- the 12 predefined extensions (§3.10) --------------------------------------------- */

static const struct bw_prop ext_archive[] = { REF("contains_refs", MUST | LIST, FILE_OR_DIRECTORY),
					      STRING("comment", TEXT), END };
static const struct bw_prop ext_ntfs[] = { STRING("sid", 0), SHAPE("alternate_data_streams", LIST, DATA_STREAM), END };
static const struct bw_prop ext_pdf[] = {
	STRING("version", 0), FLAG("is_optimized", 0), DICT("document_info_dict", 0, PDF_INFO),
	STRING("pdfid0", 0),  STRING("pdfid1", 0),     END
};
static const struct bw_prop ext_raster[] = { INT("image_height", 0, ANY), INT("image_width", 0, ANY),
					     INT("bits_per_pixel", 0, ANY), DICT("exif_tags", 0, EXIF), END };
static const struct bw_prop ext_pe[] = { VOCAB("pe_type", MUST, PEBINARY_TYPE),
					 STRING("imphash", VALUE),
					 HEX("machine_hex", 0),
					 INT("number_of_sections", 0, NATURAL),
					 ROW("time_date_stamp", TIME_S, 0, 0),
					 HEX("pointer_to_symbol_table_hex", 0),
					 INT("number_of_symbols", 0, NATURAL),
					 INT("size_of_optional_header", 0, NATURAL),
					 HEX("characteristics_hex", 0),
					 HASHES("file_header_hashes", VALUE),
					 SHAPE("optional_header", 0, PE_HEADER),
					 SHAPE("sections", LIST, PE_SECTION),
					 END };
static const struct bw_prop ext_http[] = { STRING("request_method", MUST),
					   STRING("request_value", MUST | TEXT),
					   STRING("request_version", 0),
					   DICT("request_header", 0, HTTP_HEADER),
					   INT("message_body_length", 0, ANY),
					   REF("message_body_data_ref", 0, ARTIFACT),
					   END };
static const struct bw_prop ext_icmp[] = { HEX("icmp_type_hex", MUST), HEX("icmp_code_hex", MUST), END };
static const struct bw_prop ext_socket[] = { ENUM("address_family", MUST, SOCKET_FAMILY),
					     FLAG("is_blocking", 0),
					     FLAG("is_listening", 0),
					     DICT("options", 0, SOCKET_OPTIONS),
					     ENUM("socket_type", 0, SOCKET_TYPE),
					     INT("socket_descriptor", 0, NATURAL),
					     INT("socket_handle", 0, ANY),
					     END };
static const struct bw_prop ext_tcp[] = { HEX("src_flags_hex", 0), HEX("dst_flags_hex", 0), END };
static const struct bw_prop ext_process[] = { FLAG("aslr_enabled", 0),
					      FLAG("dep_enabled", 0),
					      FORMAT("priority", 0, PRIORITY),
					      STRING("owner_sid", 0),
					      STRING("window_title", TEXT),
					      DICT("startup_info", 0, STARTUP_INFO),
					      ENUM("integrity_level", 0, INTEGRITY_LEVEL),
					      END };
static const struct bw_prop ext_service[] = { STRING("service_name", TEXT),
					      STRING("descriptions", LIST | TEXT),
					      STRING("display_name", TEXT),
					      STRING("group_name", 0),
					      ENUM("start_type", 0, SERVICE_START),
					      REF("service_dll_refs", LIST, FILE),
					      ENUM("service_type", 0, SERVICE_TYPE),
					      ENUM("service_status", 0, SERVICE_STATUS),
					      END };
static const struct bw_prop ext_unix[] = { INT("gid", 0, ANY), STRING("groups", LIST), STRING("home_dir", 0),
					   STRING("shell", 0), END };

#define ANY_OWN                             \
	{                                   \
		{                           \
			BW_RULE_ANY_OWN, "" \
		}                           \
	}

const struct bw_shape bw_shapes_sco[BW_SHAPE_COUNT] = {
	[BW_STIX_ARTIFACT] = { "artifact",
			       "§6.1",
			       artifact,
			       { { BW_RULE_ONE, "payload_bin url" },
				 { BW_RULE_NEEDS, "url hashes" },
				 { BW_RULE_NEEDS, "decryption_key encryption_algorithm" } } },
	[BW_STIX_AUTONOMOUS_SYSTEM] = { "autonomous-system", "§6.2", autonomous_system, { { 0 } } },
	[BW_STIX_DIRECTORY] = { "directory", "§6.3", directory, { { 0 } } },
	[BW_STIX_DOMAIN_NAME] = { "domain-name", "§6.4", domain_name, { { 0 } } },
	[BW_STIX_EMAIL_ADDR] = { "email-addr", "§6.5", email_addr, { { 0 } } },
	[BW_STIX_EMAIL_MESSAGE] = { "email-message", "§6.6", email_message, { { 0 } } },
	[BW_STIX_FILE] = { "file", "§6.7", file, { { BW_RULE_ANY, "hashes name" } } },
	[BW_STIX_IPV4_ADDR] = { "ipv4-addr", "§6.8", ipv4_addr, { { 0 } } },
	[BW_STIX_IPV6_ADDR] = { "ipv6-addr", "§6.9", ipv6_addr, { { 0 } } },
	[BW_STIX_MAC_ADDR] = { "mac-addr", "§6.10", mac_addr, { { 0 } } },
	[BW_STIX_MUTEX] = { "mutex", "§6.11", mutex, { { 0 } } },
	[BW_STIX_NETWORK_TRAFFIC] = { "network-traffic",
				      "§6.12",
				      network_traffic,
				      { { BW_RULE_ANY, "src_ref dst_ref" }, { BW_RULE_GE, "end start" } } },
	[BW_STIX_PROCESS] = { "process", "§6.13", process, ANY_OWN },
	[BW_STIX_SOFTWARE] = { "software", "§6.14", software, { { 0 } } },
	[BW_STIX_URL] = { "url", "§6.15", url, { { 0 } } },
	[BW_STIX_USER_ACCOUNT] = { "user-account", "§6.16", user_account, ANY_OWN },
	[BW_STIX_WINDOWS_REGISTRY_KEY] = { "windows-registry-key", "§6.17", windows_registry_key, ANY_OWN },
	[BW_STIX_X509_CERTIFICATE] = { "x509-certificate", "§6.18", x509_certificate, ANY_OWN },
	[BW_SHAPE_CUSTOM_SCO] = { "custom observable", "§7.3.2", custom_sco, { { 0 } } },
	[BW_SHAPE_MIME_PART] = { "mime-part-type", "§6.6.2", mime_part, { { BW_RULE_ONE, "body body_raw_ref" } } },
	[BW_SHAPE_REGISTRY_VALUE] = { "windows-registry-value-type", "§6.17.2", registry_value, ANY_OWN },
	[BW_SHAPE_X509_V3] = { "x509-v3-extensions-type", "§6.18.2", x509_v3, ANY_OWN },
	[BW_SHAPE_DATA_STREAM] = { "alternate-data-stream-type", "§6.7.3.2", data_stream, { { 0 } } },
	[BW_SHAPE_PE_HEADER] = { "windows-pe-optional-header-type", "§6.7.6.2", pe_header, ANY_OWN },
	[BW_SHAPE_PE_SECTION] = { "windows-pe-section-type", "§6.7.6.3", pe_section, { { 0 } } },
	[BW_SHAPE_EXT_ARCHIVE] = { "archive-ext", "§6.7.2", ext_archive, { { 0 } } },
	[BW_SHAPE_EXT_NTFS] = { "ntfs-ext", "§6.7.3", ext_ntfs, ANY_OWN },
	[BW_SHAPE_EXT_PDF] = { "pdf-ext", "§6.7.4", ext_pdf, ANY_OWN },
	[BW_SHAPE_EXT_RASTER] = { "raster-image-ext", "§6.7.5", ext_raster, ANY_OWN },
	[BW_SHAPE_EXT_PE] = { "windows-pebinary-ext",
			      "§6.7.6",
			      ext_pe,
			      { { BW_RULE_ANY, "imphash machine_hex number_of_sections time_date_stamp "
					       "pointer_to_symbol_table_hex number_of_symbols size_of_optional_header "
					       "characteristics_hex file_header_hashes optional_header sections" } } },
	[BW_SHAPE_EXT_HTTP] = { "http-request-ext", "§6.12.2", ext_http, { { 0 } } },
	[BW_SHAPE_EXT_ICMP] = { "icmp-ext", "§6.12.3", ext_icmp, { { 0 } } },
	[BW_SHAPE_EXT_SOCKET] = { "socket-ext", "§6.12.4", ext_socket, { { 0 } } },
	[BW_SHAPE_EXT_TCP] = { "tcp-ext", "§6.12.5", ext_tcp, ANY_OWN },
	[BW_SHAPE_EXT_PROCESS] = { "windows-process-ext", "§6.13.2", ext_process, ANY_OWN },
	[BW_SHAPE_EXT_SERVICE] = { "windows-service-ext", "§6.13.3", ext_service, ANY_OWN },
	[BW_SHAPE_EXT_UNIX] = { "unix-account-ext", "§6.16.2", ext_unix, ANY_OWN },
};

/* In the order of their shapes. */
static const struct {
	const char *key;
	enum bw_stix_type owner;
} extensions[] = {
	{ "archive-ext", BW_STIX_FILE },
	{ "ntfs-ext", BW_STIX_FILE },
	{ "pdf-ext", BW_STIX_FILE },
	{ "raster-image-ext", BW_STIX_FILE },
	{ "windows-pebinary-ext", BW_STIX_FILE },
	{ "http-request-ext", BW_STIX_NETWORK_TRAFFIC },
	{ "icmp-ext", BW_STIX_NETWORK_TRAFFIC },
	{ "socket-ext", BW_STIX_NETWORK_TRAFFIC },
	{ "tcp-ext", BW_STIX_NETWORK_TRAFFIC },
	{ "windows-process-ext", BW_STIX_PROCESS },
	{ "windows-service-ext", BW_STIX_PROCESS },
	{ "unix-account-ext", BW_STIX_USER_ACCOUNT },
};

enum bw_shape_id bw_extension_shape(struct bw_slice key, enum bw_stix_type *out_owner)
{
	for (unsigned i = 0; i < BW_COUNT(extensions); i++) {
		if (bw_slice_is(key, extensions[i].key)) {
			*out_owner = extensions[i].owner;
			return (enum bw_shape_id)(BW_SHAPE_EXT_ARCHIVE + i);
		}
	}
	return BW_SHAPE_COUNT;
}
