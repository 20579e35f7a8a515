#include "intel/vocab.h"

/* The values of each vocabulary between bars, so that one search finds a whole word. */
static const char *const words_of[BW_VOCAB_COUNT] = {
	[BW_VOCAB_ACCOUNT_TYPE] =
		"|unix|windows-local|windows-domain|ldap|tacacs|radius|nis|openid|facebook|skype|twitter|"
		"kavi|",
	[BW_VOCAB_ATTACK_MOTIVATION] =
		"|accidental|coercion|dominance|ideology|notoriety|organizational-gain|personal-gain|"
		"personal-satisfaction|revenge|unpredictable|",
	[BW_VOCAB_ATTACK_RESOURCE_LEVEL] = "|individual|club|contest|team|organization|government|",
	[BW_VOCAB_ENCRYPTION_ALGORITHM] = "|AES-256-GCM|ChaCha20-Poly1305|mime-type-indicated|",
	[BW_VOCAB_EXTENSION_TYPE] = "|new-sdo|new-sco|new-sro|property-extension|toplevel-property-extension|",
	[BW_VOCAB_GROUPING_CONTEXT] = "|suspicious-activity|malware-analysis|unspecified|",
	[BW_VOCAB_HASH_ALGORITHM] = "|MD5|SHA-1|SHA-256|SHA-512|SHA3-256|SHA3-512|SSDEEP|TLSH|",
	[BW_VOCAB_IDENTITY_CLASS] = "|individual|group|system|organization|class|unknown|",
	[BW_VOCAB_IMPLEMENTATION_LANGUAGE] =
		"|applescript|bash|c|c++|c#|go|java|javascript|lua|objective-c|perl|php|powershell|python|"
		"ruby|scala|swift|typescript|visual-basic|x86-32|x86-64|rust|",
	[BW_VOCAB_INDICATOR_TYPE] =
		"|anomalous-activity|anonymization|benign|compromised|malicious-activity|attribution|unknown|",
	[BW_VOCAB_INDUSTRY_SECTOR] =
		"|agriculture|aerospace|automotive|chemical|commercial|communications|construction|defense|"
		"education|energy|entertainment|financial-services|government|emergency-services|"
		"government-local|government-national|government-public-services|government-regional|"
		"healthcare|hospitality-leisure|infrastructure|dams|nuclear|water|insurance|manufacturing|"
		"mining|non-profit|pharmaceuticals|retail|technology|telecommunications|transportation|"
		"utilities|legal|private-sector|",
	[BW_VOCAB_INFRASTRUCTURE_TYPE] =
		"|amplification|anonymization|botnet|command-and-control|control-system|exfiltration|"
		"firewall|hosting-malware|hosting-target-lists|phishing|reconnaissance|routers-switches|"
		"staging|workstation|unknown|",
	[BW_VOCAB_MALWARE_RESULT] = "|malicious|suspicious|benign|unknown|",
	[BW_VOCAB_MALWARE_CAPABILITIES] =
		"|accesses-remote-machines|anti-debugging|anti-disassembly|anti-emulation|"
		"anti-memory-forensics|anti-sandbox|anti-vm|captures-input-peripherals|"
		"captures-output-peripherals|captures-system-state-data|cleans-traces-of-infection|"
		"commits-fraud|communicates-with-c2|compromises-data-availability|compromises-data-integrity|"
		"compromises-system-availability|controls-local-machine|degrades-security-software|"
		"degrades-system-updates|determines-c2-server|emails-spam|escalates-privileges|evades-av|"
		"exfiltrates-data|fingerprints-host|hides-artifacts|hides-executing-code|infects-files|"
		"infects-remote-machines|installs-other-components|persists-after-system-reboot|"
		"prevents-artifact-access|prevents-artifact-deletion|probes-network-environment|"
		"self-modifies|steals-authentication-credentials|violates-system-operational-integrity|",
	[BW_VOCAB_MALWARE_TYPE] =
		"|adware|backdoor|bot|bootkit|ddos|downloader|dropper|exploit-kit|keylogger|ransomware|"
		"remote-access-trojan|resource-exploitation|rogue-security-software|rootkit|screen-capture|"
		"spyware|trojan|unknown|virus|webshell|wiper|worm|",
	[BW_VOCAB_SOCKET_FAMILY] = "|AF_UNSPEC|AF_INET|AF_IPX|AF_APPLETALK|AF_NETBIOS|AF_INET6|AF_IRDA|AF_BTH|",
	[BW_VOCAB_SOCKET_TYPE] = "|SOCK_STREAM|AF_ISOCK_DGRAMNET|SOCK_DGRAM|SOCK_RAW|SOCK_RDM|SOCK_SEQPACKET|",
	[BW_VOCAB_OPINION] = "|strongly-disagree|disagree|neutral|agree|strongly-agree|",
	[BW_VOCAB_PATTERN_TYPE] = "|stix|pcre|sigma|snort|suricata|yara|",
	[BW_VOCAB_PROCESSOR_ARCHITECTURE] = "|alpha|arm|ia-64|mips|powerpc|sparc|x86|x86-64|",
	[BW_VOCAB_REGION] =
		"|africa|eastern-africa|middle-africa|northern-africa|southern-africa|western-africa|"
		"americas|latin-america-caribbean|south-america|caribbean|central-america|northern-america|"
		"asia|central-asia|eastern-asia|southern-asia|south-eastern-asia|western-asia|europe|"
		"eastern-europe|northern-europe|southern-europe|western-europe|oceania|australia-new-zealand|"
		"melanesia|micronesia|polynesia|antarctica|",
	[BW_VOCAB_REPORT_TYPE] = "|threat-report|attack-pattern|campaign|identity|indicator|intrusion-set|malware|"
				 "observed-data|threat-actor|tool|vulnerability|incident|",
	[BW_VOCAB_THREAT_ACTOR_TYPE] =
		"|activist|competitor|crime-syndicate|criminal|hacker|insider-accidental|insider-disgruntled|"
		"nation-state|sensationalist|spy|terrorist|unknown|",
	[BW_VOCAB_THREAT_ACTOR_ROLE] =
		"|agent|director|independent|infrastructure-architect|infrastructure-operator|malware-author|"
		"sponsor|",
	[BW_VOCAB_THREAT_ACTOR_SOPHISTICATION] = "|none|minimal|intermediate|advanced|expert|innovator|strategic|",
	[BW_VOCAB_TOOL_TYPE] = "|denial-of-service|exploitation|information-gathering|network-capture|"
			       "credential-exploitation|remote-access|vulnerability-scanning|unknown|",
	[BW_VOCAB_INTEGRITY_LEVEL] = "|low|medium|high|system|",
	[BW_VOCAB_PEBINARY_TYPE] = "|exe|dll|sys|",
	[BW_VOCAB_REGISTRY_DATATYPE] =
		"|REG_NONE|REG_SZ|REG_EXPAND_SZ|REG_BINARY|REG_DWORD|REG_DWORD_BIG_ENDIAN|"
		"REG_DWORD_LITTLE_ENDIAN|REG_LINK|REG_MULTI_SZ|REG_RESOURCE_LIST|"
		"REG_FULL_RESOURCE_DESCRIPTION|REG_RESOURCE_REQUIREMENTS_LIST|REG_QWORD|REG_INVALID_TYPE|",
	[BW_VOCAB_SERVICE_START] = "|SERVICE_AUTO_START|SERVICE_BOOT_START|SERVICE_DEMAND_START|SERVICE_DISABLED|"
				   "SERVICE_SYSTEM_ALERT|",
	[BW_VOCAB_SERVICE_TYPE] = "|SERVICE_KERNEL_DRIVER|SERVICE_FILE_SYSTEM_DRIVER|SERVICE_WIN32_OWN_PROCESS|"
				  "SERVICE_WIN32_SHARE_PROCESS|",
	[BW_VOCAB_SERVICE_STATUS] = "|SERVICE_CONTINUE_PENDING|SERVICE_PAUSE_PENDING|SERVICE_PAUSED|SERVICE_RUNNING|"
				    "SERVICE_START_PENDING|SERVICE_STOP_PENDING|SERVICE_STOPPED|",
};

static const struct {
	const char *name;
	const char *clause;
	enum bw_finding_code finding;
} rows[BW_VOCAB_COUNT] = {
#define X(name, text, finding, clause) { text, clause, BW_FINDING_##finding },
	BW_VOCAB_ROWS(X)
#undef X
};

bool bw_vocab_has(enum bw_vocab vocab, struct bw_slice value)
{
	const char *at = words_of[vocab];

	if (value.len == 0 || memchr(value.ptr, '|', value.len) != NULL)
		return false;
	while (at[1] != 0) {
		const char *word = at + 1;
		const char *end = strchr(word, '|');

		if ((size_t)(end - word) == value.len && memcmp(word, value.ptr, value.len) == 0)
			return true;
		at = end;
	}
	return false;
}

const char *bw_vocab_name(enum bw_vocab vocab)
{
	return rows[vocab].name;
}

const char *bw_vocab_clause(enum bw_vocab vocab)
{
	return rows[vocab].clause;
}

enum bw_finding_code bw_vocab_finding(enum bw_vocab vocab)
{
	return rows[vocab].finding;
}
