#include "wire/iana.h"

#define TEXT_CASE(name, number, text, reference)                                                   \
	case number:                                                                               \
		return text;

#define TEXT_FUNCTION(fn, type, arg, LIST)                                                         \
	const char *fn(type arg)                                                                   \
	{                                                                                          \
		switch (arg) {                                                                     \
			LIST(TEXT_CASE)                                                            \
		default:                                                                           \
			return "?";                                                                \
		}                                                                                  \
	}

#define LOCAL_TEXT_FUNCTION(fn, type, arg, LIST) static TEXT_FUNCTION(fn, type, arg, LIST)

#define KNOWN_BIT(name, number, text, reference) | UINT64_C(1) << (number)

bool payload_is_known(uint8_t type)
{
	static const uint64_t known = 0 PAYLOAD_LIST(KNOWN_BIT);

	return type < 64 && (known >> type & 1) != 0;
}

TEXT_FUNCTION(exchange_text, uint8_t, type, EXCHANGE_LIST)
TEXT_FUNCTION(payload_text, uint8_t, type, PAYLOAD_LIST)
TEXT_FUNCTION(protocol_text, uint8_t, id, PROTOCOL_LIST)
TEXT_FUNCTION(transform_type_text, uint8_t, type, TRANSFORM_TYPE_LIST)
TEXT_FUNCTION(id_type_text, uint8_t, type, ID_LIST)
TEXT_FUNCTION(cert_encoding_text, uint8_t, encoding, CERT_ENCODING_LIST)
TEXT_FUNCTION(auth_method_text, uint8_t, method, AUTH_METHOD_LIST)
TEXT_FUNCTION(notify_text, uint16_t, type, NOTIFY_LIST)
TEXT_FUNCTION(ts_type_text, uint8_t, type, TS_TYPE_LIST)
TEXT_FUNCTION(cp_type_text, uint8_t, type, CP_TYPE_LIST)
TEXT_FUNCTION(cp_attr_text, uint16_t, type, CP_ATTR_LIST)
TEXT_FUNCTION(eap_code_text, uint8_t, code, EAP_CODE_LIST)

LOCAL_TEXT_FUNCTION(encr_text, uint16_t, id, ENCR_LIST)
LOCAL_TEXT_FUNCTION(prf_text, uint16_t, id, PRF_LIST)
LOCAL_TEXT_FUNCTION(integ_text, uint16_t, id, INTEG_LIST)
LOCAL_TEXT_FUNCTION(ke_group_text, uint16_t, id, KE_GROUP_LIST)
LOCAL_TEXT_FUNCTION(esn_text, uint16_t, id, ESN_LIST)

const char *transform_text(uint8_t type, uint16_t id)
{
	switch (type) {
	case TRANSFORM_ENCR:
		return encr_text(id);
	case TRANSFORM_PRF:
		return prf_text(id);
	case TRANSFORM_INTEG:
		return integ_text(id);
	case TRANSFORM_KE:
	case TRANSFORM_ADDKE1:
	case TRANSFORM_ADDKE2:
	case TRANSFORM_ADDKE3:
	case TRANSFORM_ADDKE4:
	case TRANSFORM_ADDKE5:
	case TRANSFORM_ADDKE6:
	case TRANSFORM_ADDKE7:
		return ke_group_text(id);
	case TRANSFORM_ESN:
		return esn_text(id);
	default:
		return "?";
	}
}
