#include "wire_case.h"

#include "wire/iana.h"

static void iana_names_what_it_knows_and_survives_the_rest(void **state)
{
	(void)state;
	assert_string_equal(exchange_text(EXCHANGE_CREATE_CHILD_SA), "CREATE_CHILD_SA");
	assert_string_equal(payload_text(PLD_NONCE), "NONCE");
	assert_string_equal(protocol_text(PROTO_ESP), "ESP");
	assert_string_equal(transform_type_text(TRANSFORM_ESN), "ESN");
	assert_string_equal(transform_text(TRANSFORM_ENCR, 20), "AES_GCM_16");
	assert_string_equal(transform_text(TRANSFORM_PRF, 5), "HMAC_SHA2_256");
	assert_string_equal(transform_text(TRANSFORM_INTEG, 12), "HMAC_SHA2_256_128");
	assert_string_equal(transform_text(TRANSFORM_KE, 31), "CURVE25519");
	assert_string_equal(transform_text(TRANSFORM_ESN, 0), "NO_ESN");
	assert_string_equal(transform_text(99, 1), "?");
	assert_string_equal(notify_text(N_COOKIE), "COOKIE");
	assert_string_equal(id_type_text(ID_KEY_ID), "KEY_ID");
	assert_string_equal(auth_method_text(AUTH_SHARED_KEY_MIC), "SHARED_KEY");
	assert_string_equal(cert_encoding_text(CERT_X509_SIGNATURE), "X509_SIGNATURE");
	assert_string_equal(ts_type_text(TS_IPV6_ADDR_RANGE), "IPV6_ADDR_RANGE");
	assert_string_equal(cp_type_text(CP_REQUEST), "CFG_REQUEST");
	assert_string_equal(cp_attr_text(CPA_INTERNAL_IP4_DNS), "INTERNAL_IP4_DNS");
	assert_string_equal(eap_code_text(EAP_FAILURE), "failure");
	for (unsigned i = 0; i <= UINT16_MAX; i++) {
		assert_non_null(notify_text((uint16_t)i));
		assert_non_null(cp_attr_text((uint16_t)i));
		assert_non_null(transform_text((uint8_t)i, (uint16_t)i));
		assert_non_null(exchange_text((uint8_t)i));
	}
}

static void iana_known_payloads_fit_the_set(void **state)
{
	unsigned known = 0;

	(void)state;
	for (unsigned i = 0; i <= UINT8_MAX; i++) {
		if (!payload_is_known((uint8_t)i))
			continue;
		known++;
		assert_in_range(i, 33, 33 + 31); /* PLD_BIT() has 32 bits */
	}
	assert_int_equal(known, 17);
	assert_false(payload_is_known(0));
	assert_true(notify_is_error(N_CHILD_SA_NOT_FOUND));
	assert_false(notify_is_error(N_INITIAL_CONTACT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iana_names_what_it_knows_and_survives_the_rest),
		cmocka_unit_test(iana_known_payloads_fit_the_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
