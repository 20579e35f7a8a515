#include "intel/schema_rows.h"

/* ---- SDOs (§4), SROs (§5), meta objects (§7), bundle (§8) ---------------------- */

#define NAMED STRING("name", MUST | TEXT), STRING("description", TEXT)
#define SEEN TIME("first_seen", 0), TIME("last_seen", 0)
#define ALIASES STRING("aliases", LIST | TEXT)
#define PHASES SHAPE("kill_chain_phases", LIST, KILL_CHAIN_PHASE)

static const struct bw_prop custom_object[] = { COMMON, END };
static const struct bw_prop attack_pattern[] = { COMMON, NAMED, ALIASES, PHASES, END };
static const struct bw_prop campaign[] = { COMMON, NAMED, ALIASES, SEEN, STRING("objective", TEXT), END };
static const struct bw_prop course_of_action[] = { COMMON, NAMED, ROW("action", STRING, 0, 0), END };
static const struct bw_prop incident[] = { COMMON, NAMED, END };
static const struct bw_prop vulnerability[] = { COMMON, STRING("name", MUST | TEXT | VALUE),
						STRING("description", TEXT), END };
static const struct bw_prop grouping[] = { COMMON,
					   STRING("name", TEXT),
					   STRING("description", TEXT),
					   VOCAB("context", MUST, GROUPING_CONTEXT),
					   REF("object_refs", MUST | LIST, ANY),
					   END };
static const struct bw_prop identity[] = { COMMON,
					   NAMED,
					   STRING("roles", LIST),
					   VOCAB("identity_class", 0, IDENTITY_CLASS),
					   VOCAB("sectors", LIST, INDUSTRY_SECTOR),
					   STRING("contact_information", TEXT),
					   END };
static const struct bw_prop indicator[] = { COMMON,
					    STRING("name", TEXT),
					    STRING("description", TEXT),
					    VOCAB("indicator_types", LIST, INDICATOR_TYPE),
					    STRING("pattern", MUST | TEXT),
					    VOCAB("pattern_type", MUST | SINCE_21, PATTERN_TYPE),
					    STRING("pattern_version", 0),
					    TIME("valid_from", MUST),
					    TIME("valid_until", 0),
					    PHASES,
					    END };
static const struct bw_prop infrastructure[] = {
	COMMON, NAMED, VOCAB("infrastructure_types", LIST, INFRASTRUCTURE_TYPE), ALIASES, PHASES, SEEN, END
};
static const struct bw_prop intrusion_set[] = { COMMON,
						NAMED,
						ALIASES,
						SEEN,
						STRING("goals", LIST | TEXT),
						VOCAB("resource_level", 0, ATTACK_RESOURCE_LEVEL),
						VOCAB("primary_motivation", 0, ATTACK_MOTIVATION),
						VOCAB("secondary_motivations", LIST, ATTACK_MOTIVATION),
						END };
static const struct bw_prop location[] = { COMMON,
					   STRING("name", TEXT),
					   STRING("description", TEXT),
					   NUMBER("latitude", 0, LATITUDE),
					   NUMBER("longitude", 0, LONGITUDE),
					   NUMBER("precision", 0, ANY),
					   VOCAB("region", 0, REGION),
					   FORMAT("country", 0, COUNTRY),
					   STRING("administrative_area", TEXT),
					   STRING("city", TEXT),
					   STRING("street_address", TEXT),
					   STRING("postal_code", 0),
					   END };
static const struct bw_prop malware[] = { COMMON,
					  STRING("name", TEXT),
					  STRING("description", TEXT),
					  VOCAB("malware_types", LIST, MALWARE_TYPE),
					  FLAG("is_family", MUST | SINCE_21),
					  ALIASES,
					  PHASES,
					  SEEN,
					  REF("operating_system_refs", LIST, SOFTWARE),
					  VOCAB("architecture_execution_envs", LIST, PROCESSOR_ARCHITECTURE),
					  VOCAB("implementation_languages", LIST, IMPLEMENTATION_LANGUAGE),
					  VOCAB("capabilities", LIST, MALWARE_CAPABILITIES),
					  REF("sample_refs", LIST, SAMPLE),
					  END };
static const struct bw_prop malware_analysis[] = { COMMON,
						   FORMAT("product", MUST | TEXT, PRODUCT),
						   STRING("version", 0),
						   REF("host_vm_ref", 0, SOFTWARE),
						   REF("operating_system_ref", 0, SOFTWARE),
						   REF("installed_software_refs", LIST, SOFTWARE),
						   STRING("configuration_version", 0),
						   STRING("modules", LIST),
						   STRING("analysis_engine_version", 0),
						   STRING("analysis_definition_version", 0),
						   TIME("submitted", 0),
						   TIME("analysis_started", 0),
						   TIME("analysis_ended", 0),
						   STRING("result_name", TEXT),
						   VOCAB("result", 0, MALWARE_RESULT),
						   REF("analysis_sco_refs", LIST, SCO),
						   REF("sample_ref", 0, ANALYSED),
						   END };
static const struct bw_prop note[] = { COMMON,
				       STRING("abstract", TEXT),
				       STRING("content", MUST | TEXT),
				       STRING("authors", LIST | TEXT),
				       REF("object_refs", MUST | LIST, ANY),
				       END };
static const struct bw_prop observed_data[] = { COMMON,
						TIME("first_observed", MUST),
						TIME("last_observed", MUST),
						INT("number_observed", MUST, OBSERVED),
						ROW("objects", CONTAINER, BW_PROP_OLD, 0),
						REF("object_refs", LIST, OBSERVED),
						END };
static const struct bw_prop opinion[] = { COMMON,
					  STRING("explanation", TEXT),
					  STRING("authors", LIST | TEXT),
					  ENUM("opinion", MUST, OPINION),
					  REF("object_refs", MUST | LIST, ANY),
					  END };
static const struct bw_prop report[] = { COMMON,
					 NAMED,
					 VOCAB("report_types", LIST, REPORT_TYPE),
					 TIME("published", MUST),
					 REF("object_refs", MUST | LIST, ANY),
					 END };
static const struct bw_prop threat_actor[] = { COMMON,
					       NAMED,
					       VOCAB("threat_actor_types", LIST, THREAT_ACTOR_TYPE),
					       ALIASES,
					       SEEN,
					       VOCAB("roles", LIST, THREAT_ACTOR_ROLE),
					       STRING("goals", LIST | TEXT),
					       VOCAB("sophistication", 0, THREAT_ACTOR_SOPHISTICATION),
					       VOCAB("resource_level", 0, ATTACK_RESOURCE_LEVEL),
					       VOCAB("primary_motivation", 0, ATTACK_MOTIVATION),
					       VOCAB("secondary_motivations", LIST, ATTACK_MOTIVATION),
					       VOCAB("personal_motivations", LIST, ATTACK_MOTIVATION),
					       END };
static const struct bw_prop tool[] = { COMMON,  NAMED,  VOCAB("tool_types", LIST, TOOL_TYPE),
				       ALIASES, PHASES, STRING("tool_version", 0),
				       END };
static const struct bw_prop relationship[] = { COMMON,
					       FORMAT("relationship_type", MUST, RELATIONSHIP),
					       STRING("description", TEXT),
					       REF("source_ref", MUST, RELATED),
					       REF("target_ref", MUST, RELATED),
					       TIME("start_time", 0),
					       TIME("stop_time", 0),
					       END };
static const struct bw_prop sighting[] = { COMMON,
					   STRING("description", TEXT),
					   SEEN,
					   INT("count", 0, COUNT),
					   REF("sighting_of_ref", MUST, SIGHTED),
					   REF("observed_data_refs", LIST, OBSERVED_DATA),
					   REF("where_sighted_refs", LIST, IDENTITY_OR_LOCATION),
					   FLAG("summary", 0),
					   END };

/* Meta objects have fewer of the common properties (§3.2). */
#define META_HEAD                                                                                          \
	ROW("type", TYPE, MUST, 0), ROW("spec_version", SPEC, MUST | SINCE_21, 0), ROW("id", ID, MUST, 0), \
		ROW("created", TIME_MS, MUST, 0), SHAPE("external_references", LIST, EXTERNAL_REFERENCE),  \
		REF("object_marking_refs", LIST, MARKING), SHAPE("granular_markings", LIST, GRANULAR_MARKING)

#define EXTENSIONS ROW("extensions", EXTENSIONS, 0, 0)

static const struct bw_prop extension_definition[] = { META_HEAD,
						       REF("created_by_ref", MUST, CREATOR),
						       ROW("modified", TIME_MS, MUST, 0),
						       FLAG("revoked", 0),
						       STRING("labels", LIST | TEXT),
						       NAMED,
						       STRING("schema", MUST),
						       STRING("version", MUST),
						       ENUM("extension_types", MUST | LIST, EXTENSION_TYPE),
						       STRING("extension_properties", LIST),
						       END };
static const struct bw_prop language_content[] = { META_HEAD,
						   EXTENSIONS,
						   REF("created_by_ref", 0, CREATOR),
						   ROW("modified", TIME_MS, MUST, 0),
						   FLAG("revoked", 0),
						   STRING("labels", LIST | TEXT),
						   INT("confidence", 0, CONFIDENCE),
						   REF("object_ref", MUST, NOT_LANGUAGE),
						   TIME("object_modified", 0),
						   DICT("contents", MUST, CONTENTS),
						   END };
static const struct bw_prop marking_definition[] = { META_HEAD,
						     EXTENSIONS,
						     REF("created_by_ref", 0, CREATOR),
						     STRING("name", TEXT),
						     ROW("lang", LANG, 0, 0),
						     STRING("definition_type", 0), /* and definition: marking.c */
						     DICT("definition", 0, ANY),
						     END };
static const struct bw_prop bundle[] = { ROW("type", TYPE, MUST, 0), ROW("id", ID, MUST, 0),
					 ROW("objects", OBJECTS, 0, 0), END };

/* ---- what nests in them ----------------------------------------------------------- */

static const struct bw_prop external_reference[] = { STRING("source_name", MUST),  STRING("description", TEXT),
						     ROW("url", URL, 0, 0),        HASHES("hashes", 0),
						     STRING("external_id", VALUE), END };
static const struct bw_prop kill_chain_phase[] = { FORMAT("kill_chain_name", MUST, PHASE),
						   FORMAT("phase_name", MUST, PHASE), END };
static const struct bw_prop granular_marking[] = { STRING("lang", 0), REF("marking_ref", 0, MARKING),
						   STRING("selectors", MUST | LIST), END };
static const struct bw_prop statement[] = { STRING("statement", MUST | TEXT), END };

#define LAST_AFTER_FIRST                                   \
	{                                                  \
		{ BW_RULE_GE, "modified created" },        \
		{                                          \
			BW_RULE_GE, "last_seen first_seen" \
		}                                          \
	}
#define MODIFIED_AFTER_CREATED                         \
	{                                              \
		{                                      \
			BW_RULE_GE, "modified created" \
		}                                      \
	}

const struct bw_shape bw_shapes_sdo[BW_SHAPE_COUNT] = {
	[BW_STIX_CUSTOM] = { "custom object", "§7.3.2", custom_object, MODIFIED_AFTER_CREATED },
	[BW_STIX_ATTACK_PATTERN] = { "attack-pattern", "§4.1", attack_pattern, MODIFIED_AFTER_CREATED },
	[BW_STIX_CAMPAIGN] = { "campaign", "§4.2", campaign, LAST_AFTER_FIRST },
	[BW_STIX_COURSE_OF_ACTION] = { "course-of-action", "§4.3", course_of_action, MODIFIED_AFTER_CREATED },
	[BW_STIX_GROUPING] = { "grouping", "§4.4", grouping, MODIFIED_AFTER_CREATED },
	[BW_STIX_IDENTITY] = { "identity", "§4.5", identity, MODIFIED_AFTER_CREATED },
	[BW_STIX_INCIDENT] = { "incident", "§4.6", incident, MODIFIED_AFTER_CREATED },
	[BW_STIX_INDICATOR] = { "indicator",
				"§4.7",
				indicator,
				{ { BW_RULE_GE, "modified created" }, { BW_RULE_GT, "valid_until valid_from" } } },
	[BW_STIX_INFRASTRUCTURE] = { "infrastructure", "§4.8", infrastructure, LAST_AFTER_FIRST },
	[BW_STIX_INTRUSION_SET] = { "intrusion-set", "§4.9", intrusion_set, LAST_AFTER_FIRST },
	[BW_STIX_LOCATION] = { "location",
			       "§4.10",
			       location,
			       { { BW_RULE_GE, "modified created" },
				 { BW_RULE_NEEDS, "latitude longitude" },
				 { BW_RULE_NEEDS, "longitude latitude" },
				 { BW_RULE_ANY, "region country latitude" } } },
	[BW_STIX_MALWARE] = { "malware", "§4.11", malware, LAST_AFTER_FIRST },
	[BW_STIX_MALWARE_ANALYSIS] = { "malware-analysis",
				       "§4.12",
				       malware_analysis,
				       { { BW_RULE_GE, "modified created" },
					 { BW_RULE_ANY, "result analysis_sco_refs" },
					 { BW_RULE_GE, "analysis_ended analysis_started" } } },
	[BW_STIX_NOTE] = { "note", "§4.13", note, MODIFIED_AFTER_CREATED },
	[BW_STIX_OBSERVED_DATA] = { "observed-data",
				    "§4.14",
				    observed_data,
				    { { BW_RULE_GE, "modified created" },
				      { BW_RULE_GE, "last_observed first_observed" },
				      { BW_RULE_ONE, "objects object_refs" } } },
	[BW_STIX_OPINION] = { "opinion", "§4.15", opinion, MODIFIED_AFTER_CREATED },
	[BW_STIX_REPORT] = { "report", "§4.16", report, MODIFIED_AFTER_CREATED },
	[BW_STIX_THREAT_ACTOR] = { "threat-actor", "§4.17", threat_actor, LAST_AFTER_FIRST },
	[BW_STIX_TOOL] = { "tool", "§4.18", tool, MODIFIED_AFTER_CREATED },
	[BW_STIX_VULNERABILITY] = { "vulnerability", "§4.19", vulnerability, MODIFIED_AFTER_CREATED },
	[BW_STIX_RELATIONSHIP] = { "relationship",
				   "§5.1",
				   relationship,
				   { { BW_RULE_GE, "modified created" }, { BW_RULE_GT, "stop_time start_time" } } },
	[BW_STIX_SIGHTING] = { "sighting", "§5.2", sighting, LAST_AFTER_FIRST },
	[BW_STIX_EXTENSION_DEFINITION] = { "extension-definition", "§7.3.1", extension_definition,
					   MODIFIED_AFTER_CREATED },
	[BW_STIX_LANGUAGE_CONTENT] = { "language-content", "§7.1", language_content, MODIFIED_AFTER_CREATED },
	[BW_STIX_MARKING_DEFINITION] = { "marking-definition", "§7.2.1", marking_definition, { { 0 } } },
	[BW_SHAPE_BUNDLE] = { "bundle", "§8.1", bundle, { { 0 } } },
	[BW_SHAPE_EXTERNAL_REFERENCE] = { "external-reference", "§2.5", external_reference, { { 0 } } },
	[BW_SHAPE_KILL_CHAIN_PHASE] = { "kill-chain-phase", "§2.11", kill_chain_phase, { { 0 } } },
	[BW_SHAPE_GRANULAR_MARKING] = { "granular-marking", "§7.2.3.1", granular_marking, { { 0 } } },
	[BW_SHAPE_STATEMENT] = { "statement marking", "§7.2.1.3", statement, { { 0 } } },
};
