#pragma once
/*
 * The numbers of IKEv2 as IANA registers them: one row = name, number, text, reference.
 *
 * Constants and pure functions; usable from any thread. Fields that carry such a number on the wire
 * are plain uint8_t or uint16_t, because a peer may send any value; the enums give names to the
 * ones we know. Every *_text() function returns "?" for a number without a row, never NULL.
 */
#include <stdbool.h>
#include <stdint.h>

#define IKE_PORT      500
#define IKE_NATT_PORT 4500

/* RFC 7296 3.1: major 4 bits, minor 4 bits. */
#define IKE_VERSION_1 0x10
#define IKE_VERSION_2 0x20

// clang-format off
#define IKE_FLAG_LIST(X) \
	X(IKE_FLAG_INITIATOR, 0x08, "initiator", "RFC 7296 3.1") \
	X(IKE_FLAG_VERSION,   0x10, "version",   "RFC 7296 3.1") \
	X(IKE_FLAG_RESPONSE,  0x20, "response",  "RFC 7296 3.1")

#define EXCHANGE_LIST(X) \
	X(EXCHANGE_IKE_SA_INIT,        34, "IKE_SA_INIT",        "RFC 7296 1.2") \
	X(EXCHANGE_IKE_AUTH,           35, "IKE_AUTH",           "RFC 7296 1.2") \
	X(EXCHANGE_CREATE_CHILD_SA,    36, "CREATE_CHILD_SA",    "RFC 7296 1.3") \
	X(EXCHANGE_INFORMATIONAL,      37, "INFORMATIONAL",      "RFC 7296 1.4") \
	X(EXCHANGE_IKE_SESSION_RESUME, 38, "IKE_SESSION_RESUME", "RFC 5723 4.3") \
	X(EXCHANGE_IKE_INTERMEDIATE,   43, "IKE_INTERMEDIATE",   "RFC 9242 3") \
	X(EXCHANGE_IKE_FOLLOWUP_KE,    44, "IKE_FOLLOWUP_KE",    "RFC 9370 2.2.4")

#define PAYLOAD_LIST(X) \
	X(PLD_SA,      33, "SA",      "RFC 7296 3.3") \
	X(PLD_KE,      34, "KE",      "RFC 7296 3.4") \
	X(PLD_IDI,     35, "IDi",     "RFC 7296 3.5") \
	X(PLD_IDR,     36, "IDr",     "RFC 7296 3.5") \
	X(PLD_CERT,    37, "CERT",    "RFC 7296 3.6") \
	X(PLD_CERTREQ, 38, "CERTREQ", "RFC 7296 3.7") \
	X(PLD_AUTH,    39, "AUTH",    "RFC 7296 3.8") \
	X(PLD_NONCE,   40, "NONCE",   "RFC 7296 3.9") \
	X(PLD_NOTIFY,  41, "N",       "RFC 7296 3.10") \
	X(PLD_DELETE,  42, "D",       "RFC 7296 3.11") \
	X(PLD_VENDOR,  43, "V",       "RFC 7296 3.12") \
	X(PLD_TSI,     44, "TSi",     "RFC 7296 3.13") \
	X(PLD_TSR,     45, "TSr",     "RFC 7296 3.13") \
	X(PLD_SK,      46, "SK",      "RFC 7296 3.14") \
	X(PLD_CP,      47, "CP",      "RFC 7296 3.15") \
	X(PLD_EAP,     48, "EAP",     "RFC 7296 3.16") \
	X(PLD_SKF,     53, "SKF",     "RFC 7383 2.5")

#define PROTOCOL_LIST(X) \
	X(PROTO_NONE, 0, "none", "RFC 7296 3.10") \
	X(PROTO_IKE,  1, "IKE",  "RFC 7296 3.3.1") \
	X(PROTO_AH,   2, "AH",   "RFC 7296 3.3.1") \
	X(PROTO_ESP,  3, "ESP",  "RFC 7296 3.3.1")

#define TRANSFORM_TYPE_LIST(X) \
	X(TRANSFORM_ENCR,  1, "ENCR",  "RFC 7296 3.3.2") \
	X(TRANSFORM_PRF,   2, "PRF",   "RFC 7296 3.3.2") \
	X(TRANSFORM_INTEG, 3, "INTEG", "RFC 7296 3.3.2") \
	X(TRANSFORM_KE,    4, "KE",    "RFC 7296 3.3.2") \
	X(TRANSFORM_ESN,   5, "ESN",   "RFC 7296 3.3.2") \
	X(TRANSFORM_ADDKE1, 6, "ADDKE1", "RFC 9370 2.2.1") \
	X(TRANSFORM_ADDKE2, 7, "ADDKE2", "RFC 9370 2.2.1") \
	X(TRANSFORM_ADDKE3, 8, "ADDKE3", "RFC 9370 2.2.1") \
	X(TRANSFORM_ADDKE4, 9, "ADDKE4", "RFC 9370 2.2.1") \
	X(TRANSFORM_ADDKE5, 10, "ADDKE5", "RFC 9370 2.2.1") \
	X(TRANSFORM_ADDKE6, 11, "ADDKE6", "RFC 9370 2.2.1") \
	X(TRANSFORM_ADDKE7, 12, "ADDKE7", "RFC 9370 2.2.1")

#define ENCR_LIST(X) \
	X(ENCR_DES,               2, "DES",               "RFC 2405") \
	X(ENCR_3DES,              3, "3DES",              "RFC 2451") \
	X(ENCR_NULL,             11, "NULL",              "RFC 2410") \
	X(ENCR_AES_CBC,          12, "AES_CBC",           "RFC 3602") \
	X(ENCR_AES_CTR,          13, "AES_CTR",           "RFC 3686") \
	X(ENCR_AES_CCM_8,        14, "AES_CCM_8",         "RFC 4309") \
	X(ENCR_AES_CCM_12,       15, "AES_CCM_12",        "RFC 4309") \
	X(ENCR_AES_CCM_16,       16, "AES_CCM_16",        "RFC 4309") \
	X(ENCR_AES_GCM_8,        18, "AES_GCM_8",         "RFC 4106") \
	X(ENCR_AES_GCM_12,       19, "AES_GCM_12",        "RFC 4106") \
	X(ENCR_AES_GCM_16,       20, "AES_GCM_16",        "RFC 4106, RFC 5282") \
	X(ENCR_NULL_AES_GMAC,    21, "NULL_AES_GMAC",     "RFC 4543") \
	X(ENCR_CHACHA20_POLY1305, 28, "CHACHA20_POLY1305", "RFC 7634")

#define PRF_LIST(X) \
	X(PRF_HMAC_MD5,      1, "HMAC_MD5",      "RFC 2104") \
	X(PRF_HMAC_SHA1,     2, "HMAC_SHA1",     "RFC 2104") \
	X(PRF_AES128_XCBC,   4, "AES128_XCBC",   "RFC 4434") \
	X(PRF_HMAC_SHA2_256, 5, "HMAC_SHA2_256", "RFC 4868") \
	X(PRF_HMAC_SHA2_384, 6, "HMAC_SHA2_384", "RFC 4868") \
	X(PRF_HMAC_SHA2_512, 7, "HMAC_SHA2_512", "RFC 4868") \
	X(PRF_AES128_CMAC,   8, "AES128_CMAC",   "RFC 4615")

#define INTEG_LIST(X) \
	X(INTEG_NONE,               0, "NONE",              "RFC 7296 3.3.2") \
	X(INTEG_HMAC_MD5_96,        1, "HMAC_MD5_96",       "RFC 2403") \
	X(INTEG_HMAC_SHA1_96,       2, "HMAC_SHA1_96",      "RFC 2404") \
	X(INTEG_AES_XCBC_96,        5, "AES_XCBC_96",       "RFC 3566") \
	X(INTEG_AES_CMAC_96,        8, "AES_CMAC_96",       "RFC 4494") \
	X(INTEG_HMAC_SHA2_256_128, 12, "HMAC_SHA2_256_128", "RFC 4868") \
	X(INTEG_HMAC_SHA2_384_192, 13, "HMAC_SHA2_384_192", "RFC 4868") \
	X(INTEG_HMAC_SHA2_512_256, 14, "HMAC_SHA2_512_256", "RFC 4868")

#define KE_GROUP_LIST(X) \
	X(KE_NONE,             0, "NONE",              "RFC 7296 3.3.2") \
	X(KE_MODP_768,         1, "MODP_768",          "RFC 7296 B.1") \
	X(KE_MODP_1024,        2, "MODP_1024",         "RFC 7296 B.2") \
	X(KE_MODP_1536,        5, "MODP_1536",         "RFC 3526 2") \
	X(KE_MODP_2048,       14, "MODP_2048",         "RFC 3526 3") \
	X(KE_MODP_3072,       15, "MODP_3072",         "RFC 3526 4") \
	X(KE_MODP_4096,       16, "MODP_4096",         "RFC 3526 5") \
	X(KE_ECP_256,         19, "ECP_256",           "RFC 5903 3.1") \
	X(KE_ECP_384,         20, "ECP_384",           "RFC 5903 3.2") \
	X(KE_ECP_521,         21, "ECP_521",           "RFC 5903 3.3") \
	X(KE_MODP_2048_256,   24, "MODP_2048_256",     "RFC 5114 2.3") \
	X(KE_CURVE25519,      31, "CURVE25519",        "RFC 8031") \
	X(KE_CURVE448,        32, "CURVE448",          "RFC 8031") \
	X(KE_ML_KEM_512,      35, "ML_KEM_512",        "draft-ietf-ipsecme-ikev2-mlkem") \
	X(KE_ML_KEM_768,      36, "ML_KEM_768",        "draft-ietf-ipsecme-ikev2-mlkem") \
	X(KE_ML_KEM_1024,     37, "ML_KEM_1024",       "draft-ietf-ipsecme-ikev2-mlkem")

#define ESN_LIST(X) \
	X(ESN_NO,  0, "NO_ESN", "RFC 7296 3.3.2") \
	X(ESN_YES, 1, "ESN",    "RFC 7296 3.3.2")

#define ID_LIST(X) \
	X(ID_IPV4_ADDR,    1, "IPV4_ADDR",   "RFC 7296 3.5") \
	X(ID_FQDN,         2, "FQDN",        "RFC 7296 3.5") \
	X(ID_RFC822_ADDR,  3, "RFC822_ADDR", "RFC 7296 3.5") \
	X(ID_IPV6_ADDR,    5, "IPV6_ADDR",   "RFC 7296 3.5") \
	X(ID_DER_ASN1_DN,  9, "DER_ASN1_DN", "RFC 7296 3.5") \
	X(ID_DER_ASN1_GN, 10, "DER_ASN1_GN", "RFC 7296 3.5") \
	X(ID_KEY_ID,      11, "KEY_ID",      "RFC 7296 3.5") \
	X(ID_NULL,        13, "NULL",        "RFC 7619 2.1")

#define CERT_ENCODING_LIST(X) \
	X(CERT_PKCS7,           1, "PKCS7",           "RFC 7296 3.6") \
	X(CERT_X509_SIGNATURE,  4, "X509_SIGNATURE",  "RFC 7296 3.6") \
	X(CERT_CRL,             7, "CRL",             "RFC 7296 3.6") \
	X(CERT_HASH_URL,       12, "X509_HASH_URL",   "RFC 7296 3.6") \
	X(CERT_BUNDLE_URL,     13, "BUNDLE_HASH_URL", "RFC 7296 3.6") \
	X(CERT_OCSP_CONTENT,   14, "OCSP_CONTENT",    "RFC 4806 3.1") \
	X(CERT_RAW_PUBLIC_KEY, 15, "RAW_PUBLIC_KEY",  "RFC 7670 3")

#define AUTH_METHOD_LIST(X) \
	X(AUTH_RSA_SIGNATURE,      1, "RSA_SIGNATURE", "RFC 7296 3.8") \
	X(AUTH_SHARED_KEY_MIC,     2, "SHARED_KEY",    "RFC 7296 3.8") \
	X(AUTH_DSS_SIGNATURE,      3, "DSS_SIGNATURE", "RFC 7296 3.8") \
	X(AUTH_ECDSA_256,          9, "ECDSA_256",     "RFC 4754 7") \
	X(AUTH_ECDSA_384,         10, "ECDSA_384",     "RFC 4754 7") \
	X(AUTH_ECDSA_521,         11, "ECDSA_521",     "RFC 4754 7") \
	X(AUTH_NULL,              13, "NULL",          "RFC 7619 2") \
	X(AUTH_DIGITAL_SIGNATURE, 14, "SIGNATURE",     "RFC 7427 3")

#define NOTIFY_LIST(X) \
	X(N_UNSUPPORTED_CRITICAL_PAYLOAD,      1, "UNSUPPORTED_CRITICAL_PAYLOAD",  "RFC 7296 3.10.1") \
	X(N_INVALID_IKE_SPI,                   4, "INVALID_IKE_SPI",               "RFC 7296 3.10.1") \
	X(N_INVALID_MAJOR_VERSION,             5, "INVALID_MAJOR_VERSION",         "RFC 7296 3.10.1") \
	X(N_INVALID_SYNTAX,                    7, "INVALID_SYNTAX",                "RFC 7296 3.10.1") \
	X(N_INVALID_MESSAGE_ID,                9, "INVALID_MESSAGE_ID",            "RFC 7296 3.10.1") \
	X(N_INVALID_SPI,                      11, "INVALID_SPI",                   "RFC 7296 3.10.1") \
	X(N_NO_PROPOSAL_CHOSEN,               14, "NO_PROPOSAL_CHOSEN",            "RFC 7296 3.10.1") \
	X(N_INVALID_KE_PAYLOAD,               17, "INVALID_KE_PAYLOAD",            "RFC 7296 3.10.1") \
	X(N_AUTHENTICATION_FAILED,            24, "AUTHENTICATION_FAILED",         "RFC 7296 3.10.1") \
	X(N_SINGLE_PAIR_REQUIRED,             34, "SINGLE_PAIR_REQUIRED",          "RFC 7296 3.10.1") \
	X(N_NO_ADDITIONAL_SAS,                35, "NO_ADDITIONAL_SAS",             "RFC 7296 3.10.1") \
	X(N_INTERNAL_ADDRESS_FAILURE,         36, "INTERNAL_ADDRESS_FAILURE",      "RFC 7296 3.10.1") \
	X(N_FAILED_CP_REQUIRED,               37, "FAILED_CP_REQUIRED",            "RFC 7296 3.10.1") \
	X(N_TS_UNACCEPTABLE,                  38, "TS_UNACCEPTABLE",               "RFC 7296 3.10.1") \
	X(N_INVALID_SELECTORS,                39, "INVALID_SELECTORS",             "RFC 7296 3.10.1") \
	X(N_UNACCEPTABLE_ADDRESSES,           40, "UNACCEPTABLE_ADDRESSES",        "RFC 4555 4.1") \
	X(N_UNEXPECTED_NAT_DETECTED,          41, "UNEXPECTED_NAT_DETECTED",       "RFC 4555 4.1") \
	X(N_TEMPORARY_FAILURE,                43, "TEMPORARY_FAILURE",             "RFC 7296 3.10.1") \
	X(N_CHILD_SA_NOT_FOUND,               44, "CHILD_SA_NOT_FOUND",            "RFC 7296 3.10.1") \
	X(N_STATE_NOT_FOUND,                  47, "STATE_NOT_FOUND",               "RFC 9370 2.2.4") \
	X(N_TS_MAX_QUEUE,                     48, "TS_MAX_QUEUE",                  "RFC 9611 5.2") \
	X(N_INITIAL_CONTACT,               16384, "INITIAL_CONTACT",               "RFC 7296 3.10.1") \
	X(N_SET_WINDOW_SIZE,               16385, "SET_WINDOW_SIZE",               "RFC 7296 3.10.1") \
	X(N_ADDITIONAL_TS_POSSIBLE,        16386, "ADDITIONAL_TS_POSSIBLE",        "RFC 7296 3.10.1") \
	X(N_IPCOMP_SUPPORTED,              16387, "IPCOMP_SUPPORTED",              "RFC 7296 3.10.1") \
	X(N_NAT_DETECTION_SOURCE_IP,       16388, "NAT_DETECTION_SOURCE_IP",       "RFC 7296 2.23") \
	X(N_NAT_DETECTION_DESTINATION_IP,  16389, "NAT_DETECTION_DESTINATION_IP",  "RFC 7296 2.23") \
	X(N_COOKIE,                        16390, "COOKIE",                        "RFC 7296 2.6") \
	X(N_USE_TRANSPORT_MODE,            16391, "USE_TRANSPORT_MODE",            "RFC 7296 1.3.1") \
	X(N_HTTP_CERT_LOOKUP_SUPPORTED,    16392, "HTTP_CERT_LOOKUP_SUPPORTED",    "RFC 7296 3.6") \
	X(N_REKEY_SA,                      16393, "REKEY_SA",                      "RFC 7296 1.3.3") \
	X(N_ESP_TFC_PADDING_NOT_SUPPORTED, 16394, "ESP_TFC_PADDING_NOT_SUPPORTED", "RFC 7296 1.3.1") \
	X(N_NON_FIRST_FRAGMENTS_ALSO,      16395, "NON_FIRST_FRAGMENTS_ALSO",      "RFC 7296 1.3.1") \
	X(N_MOBIKE_SUPPORTED,              16396, "MOBIKE_SUPPORTED",              "RFC 4555 4.2") \
	X(N_ADDITIONAL_IP4_ADDRESS,        16397, "ADDITIONAL_IP4_ADDRESS",        "RFC 4555 4.2") \
	X(N_ADDITIONAL_IP6_ADDRESS,        16398, "ADDITIONAL_IP6_ADDRESS",        "RFC 4555 4.2") \
	X(N_NO_ADDITIONAL_ADDRESSES,       16399, "NO_ADDITIONAL_ADDRESSES",       "RFC 4555 4.2") \
	X(N_UPDATE_SA_ADDRESSES,           16400, "UPDATE_SA_ADDRESSES",           "RFC 4555 4.2") \
	X(N_COOKIE2,                       16401, "COOKIE2",                       "RFC 4555 4.2") \
	X(N_NO_NATS_ALLOWED,               16402, "NO_NATS_ALLOWED",               "RFC 4555 4.2") \
	X(N_AUTH_LIFETIME,                 16403, "AUTH_LIFETIME",                 "RFC 4478 3") \
	X(N_MULTIPLE_AUTH_SUPPORTED,       16404, "MULTIPLE_AUTH_SUPPORTED",       "RFC 4739 3") \
	X(N_ANOTHER_AUTH_FOLLOWS,          16405, "ANOTHER_AUTH_FOLLOWS",          "RFC 4739 3") \
	X(N_REDIRECT_SUPPORTED,            16406, "REDIRECT_SUPPORTED",            "RFC 5685 7") \
	X(N_REDIRECT,                      16407, "REDIRECT",                      "RFC 5685 7") \
	X(N_REDIRECTED_FROM,               16408, "REDIRECTED_FROM",               "RFC 5685 7") \
	X(N_TICKET_LT_OPAQUE,              16409, "TICKET_LT_OPAQUE",              "RFC 5723 8") \
	X(N_TICKET_REQUEST,                16410, "TICKET_REQUEST",                "RFC 5723 8") \
	X(N_TICKET_ACK,                    16411, "TICKET_ACK",                    "RFC 5723 8") \
	X(N_TICKET_NACK,                   16412, "TICKET_NACK",                   "RFC 5723 8") \
	X(N_TICKET_OPAQUE,                 16413, "TICKET_OPAQUE",                 "RFC 5723 8") \
	X(N_EAP_ONLY_AUTHENTICATION,       16417, "EAP_ONLY_AUTHENTICATION",       "RFC 5998 3") \
	X(N_CHILDLESS_IKEV2_SUPPORTED,     16418, "CHILDLESS_IKEV2_SUPPORTED",     "RFC 6023 3") \
	X(N_QUICK_CRASH_DETECTION,         16419, "QUICK_CRASH_DETECTION",         "RFC 6290 4.1") \
	X(N_IKEV2_MESSAGE_ID_SYNC_SUPPORTED, 16420, "IKEV2_MESSAGE_ID_SYNC_SUPPORTED", "RFC 6311 7") \
	X(N_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED, 16421, "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED", "RFC 6311 7") \
	X(N_IKEV2_MESSAGE_ID_SYNC,         16422, "IKEV2_MESSAGE_ID_SYNC",         "RFC 6311 7") \
	X(N_IPSEC_REPLAY_COUNTER_SYNC,     16423, "IPSEC_REPLAY_COUNTER_SYNC",     "RFC 6311 7") \
	X(N_IKEV2_FRAGMENTATION_SUPPORTED, 16430, "IKEV2_FRAGMENTATION_SUPPORTED", "RFC 7383 2.3") \
	X(N_SIGNATURE_HASH_ALGORITHMS,     16431, "SIGNATURE_HASH_ALGORITHMS",     "RFC 7427 4") \
	X(N_USE_PPK,                       16435, "USE_PPK",                       "RFC 8784 3") \
	X(N_PPK_IDENTITY,                  16436, "PPK_IDENTITY",                  "RFC 8784 3") \
	X(N_NO_PPK_AUTH,                   16437, "NO_PPK_AUTH",                   "RFC 8784 3") \
	X(N_INTERMEDIATE_EXCHANGE_SUPPORTED, 16438, "INTERMEDIATE_EXCHANGE_SUPPORTED", "RFC 9242 3.1") \
	X(N_ADDITIONAL_KEY_EXCHANGE,       16441, "ADDITIONAL_KEY_EXCHANGE",       "RFC 9370 2.2.4") \
	X(N_SA_RESOURCE_INFO,              16444, "SA_RESOURCE_INFO",              "RFC 9611 5.1")

#define TS_TYPE_LIST(X) \
	X(TS_IPV4_ADDR_RANGE, 7, "IPV4_ADDR_RANGE", "RFC 7296 3.13.1") \
	X(TS_IPV6_ADDR_RANGE, 8, "IPV6_ADDR_RANGE", "RFC 7296 3.13.1")

#define CP_TYPE_LIST(X) \
	X(CP_REQUEST, 1, "CFG_REQUEST", "RFC 7296 3.15") \
	X(CP_REPLY,   2, "CFG_REPLY",   "RFC 7296 3.15") \
	X(CP_SET,     3, "CFG_SET",     "RFC 7296 3.15") \
	X(CP_ACK,     4, "CFG_ACK",     "RFC 7296 3.15")

#define CP_ATTR_LIST(X) \
	X(CPA_INTERNAL_IP4_ADDRESS,   1, "INTERNAL_IP4_ADDRESS", "RFC 7296 3.15.1") \
	X(CPA_INTERNAL_IP4_NETMASK,   2, "INTERNAL_IP4_NETMASK", "RFC 7296 3.15.1") \
	X(CPA_INTERNAL_IP4_DNS,       3, "INTERNAL_IP4_DNS",     "RFC 7296 3.15.1") \
	X(CPA_INTERNAL_IP4_NBNS,      4, "INTERNAL_IP4_NBNS",    "RFC 7296 3.15.1") \
	X(CPA_INTERNAL_IP4_DHCP,      6, "INTERNAL_IP4_DHCP",    "RFC 7296 3.15.1") \
	X(CPA_APPLICATION_VERSION,    7, "APPLICATION_VERSION",  "RFC 7296 3.15.1") \
	X(CPA_INTERNAL_IP6_ADDRESS,   8, "INTERNAL_IP6_ADDRESS", "RFC 7296 3.15.1") \
	X(CPA_INTERNAL_IP6_DNS,      10, "INTERNAL_IP6_DNS",     "RFC 7296 3.15.1") \
	X(CPA_INTERNAL_IP6_DHCP,     12, "INTERNAL_IP6_DHCP",    "RFC 7296 3.15.1") \
	X(CPA_INTERNAL_IP4_SUBNET,   13, "INTERNAL_IP4_SUBNET",  "RFC 7296 3.15.1") \
	X(CPA_SUPPORTED_ATTRIBUTES,  14, "SUPPORTED_ATTRIBUTES", "RFC 7296 3.15.1") \
	X(CPA_INTERNAL_IP6_SUBNET,   15, "INTERNAL_IP6_SUBNET",  "RFC 7296 3.15.1") \
	X(CPA_INTERNAL_DNS_DOMAIN,   25, "INTERNAL_DNS_DOMAIN",  "RFC 8598 4.1")

#define EAP_CODE_LIST(X) \
	X(EAP_REQUEST,  1, "request",  "RFC 3748 4.1") \
	X(EAP_RESPONSE, 2, "response", "RFC 3748 4.1") \
	X(EAP_SUCCESS,  3, "success",  "RFC 3748 4.2") \
	X(EAP_FAILURE,  4, "failure",  "RFC 3748 4.2")
// clang-format on

#define IANA_ENUM_ROW(name, number, text, reference) name = number,

#define PLD_NONE 0

enum ike_flag { IKE_FLAG_LIST(IANA_ENUM_ROW) };

enum exchange_type { EXCHANGE_LIST(IANA_ENUM_ROW) };

enum payload_type { PAYLOAD_LIST(IANA_ENUM_ROW) };

enum protocol_id { PROTOCOL_LIST(IANA_ENUM_ROW) };

enum transform_type { TRANSFORM_TYPE_LIST(IANA_ENUM_ROW) };

enum encr_id { ENCR_LIST(IANA_ENUM_ROW) };

enum prf_id { PRF_LIST(IANA_ENUM_ROW) };

enum integ_id { INTEG_LIST(IANA_ENUM_ROW) };

enum ke_group { KE_GROUP_LIST(IANA_ENUM_ROW) };

enum esn_id { ESN_LIST(IANA_ENUM_ROW) };

enum id_type { ID_LIST(IANA_ENUM_ROW) };

enum cert_encoding { CERT_ENCODING_LIST(IANA_ENUM_ROW) };

enum auth_method { AUTH_METHOD_LIST(IANA_ENUM_ROW) };

enum notify_type { NOTIFY_LIST(IANA_ENUM_ROW) };

enum ts_type { TS_TYPE_LIST(IANA_ENUM_ROW) };

enum cp_type { CP_TYPE_LIST(IANA_ENUM_ROW) };

enum cp_attr_type { CP_ATTR_LIST(IANA_ENUM_ROW) };

enum eap_code { EAP_CODE_LIST(IANA_ENUM_ROW) };

/* RFC 7296 3.10.1: below this a notification reports an error, from it on a status. */
#define NOTIFY_FIRST_STATUS 16384

static inline bool notify_is_error(uint16_t type)
{
	return type < NOTIFY_FIRST_STATUS;
}

/* True for the payload types of PAYLOAD_LIST: those whose critical bit does not matter to us. */
bool payload_is_known(uint8_t type);

const char *exchange_text(uint8_t type);
const char *payload_text(uint8_t type);
const char *protocol_text(uint8_t id);
const char *transform_type_text(uint8_t type);
/* Name of a transform id in the number space of its type, e.g. (TRANSFORM_KE, 31). */
const char *transform_text(uint8_t type, uint16_t id);
const char *id_type_text(uint8_t type);
const char *cert_encoding_text(uint8_t encoding);
const char *auth_method_text(uint8_t method);
const char *notify_text(uint16_t type);
const char *ts_type_text(uint8_t type);
const char *cp_type_text(uint8_t type);
const char *cp_attr_text(uint16_t type);
const char *eap_code_text(uint8_t code);
