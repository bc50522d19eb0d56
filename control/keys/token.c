#include "keys/token.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/der_write.h"
#include "keys/token_own.h"

enum { SLOTS_MAX = 64, ATTRIBUTE_MAX = 2048 };

int token_err(ck_rv_t rv)
{
	switch (rv) {
	case CKR_OK:
		return 0;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_LOCKED:
	case CKR_PIN_LEN_RANGE:
	case CKR_USER_NOT_LOGGED_IN:
		return -ERR_AUTH;
	case CKR_HOST_MEMORY:
	case CKR_DEVICE_MEMORY:
		return -ERR_NOMEM;
	case CKR_MECHANISM_INVALID:
	case CKR_KEY_TYPE_INCONSISTENT:
		return -ERR_UNSUPPORTED;
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_DEVICE_REMOVED:
		return -ERR_NOT_FOUND;
	default:
		return -ERR_CRYPTO;
	}
}

/* ---------------------------------------------------------------- modules */

int token_modules_add(struct token_modules *m, const char *path)
{
	struct ck_c_initialize_args args = {.flags = CKF_OS_LOCKING_OK};
	ck_rv_t (*list)(struct ck_function_list **) = NULL;
	void *handle, *symbol;
	ck_rv_t rv;

	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].path, path) == 0)
			return 0;
	if (m->n == TOKEN_MODULES_MAX || strlen(path) >= sizeof m->v[0].path)
		return -ERR_LIMIT;
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return -ERR_NOT_FOUND;
	symbol = dlsym(handle, "C_GetFunctionList");
	memcpy(&list, &symbol, sizeof list); /* ISO C has no cast for it */
	if (!list || list(&m->v[m->n].f) != CKR_OK) {
		(void)dlclose(handle);
		return -ERR_UNSUPPORTED;
	}
	rv = m->v[m->n].f->C_Initialize(&args);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		(void)dlclose(handle);
		return token_err(rv);
	}
	(void)snprintf(m->v[m->n].path, sizeof m->v[m->n].path, "%s", path);
	m->v[m->n++].handle = handle;
	return 0;
}

void token_modules_free(struct token_modules *m)
{
	while (m->n > 0) {
		m->n--;
		(void)m->v[m->n].f->C_Finalize(NULL);
		(void)dlclose(m->v[m->n].handle);
	}
}

/* ---------------------------------------------------------------- tokens */

/* Token texts are padded with blanks. */
static bool text_is(const unsigned char *padded, size_t n, const char *text)
{
	size_t len = strlen(text);

	if (len == 0)
		return true;
	while (n > 0 && padded[n - 1] == ' ')
		n--;
	return n == len && memcmp(padded, text, n) == 0;
}

static bool is_token(const struct ck_token_info *t, const struct key_uri *u)
{
	return (t->flags & CKF_TOKEN_INITIALIZED) != 0 &&
	       text_is(t->label, sizeof t->label, u->token) &&
	       text_is(t->manufacturer_id, sizeof t->manufacturer_id, u->manufacturer) &&
	       text_is(t->model, sizeof t->model, u->model) &&
	       text_is(t->serial_number, sizeof t->serial_number, u->serial);
}

static int find_slot(struct ck_function_list *f, const struct key_uri *u, ck_slot_id_t *out)
{
	ck_slot_id_t slots[SLOTS_MAX];
	unsigned long n = SLOTS_MAX;
	struct ck_token_info info;
	bool found = false;
	ck_rv_t rv = f->C_GetSlotList(1, slots, &n);

	if (rv != CKR_OK)
		return token_err(rv);
	for (unsigned long i = 0; i < n; i++) {
		if (f->C_GetTokenInfo(slots[i], &info) != CKR_OK || !is_token(&info, u))
			continue;
		if (found)
			return -ERR_VALUE; /* several: the URI does not say which */
		found = true;
		*out = slots[i];
	}
	return found ? 0 : -ERR_NOT_FOUND;
}

static int login(struct ck_function_list *f, ck_session_handle_t session, struct view pin)
{
	unsigned char text[256];
	ck_rv_t rv;

	if (pin.n == 0)
		return 0;
	if (pin.n > sizeof text)
		return -ERR_LIMIT;
	memcpy(text, pin.p, pin.n);
	rv = f->C_Login(session, CKU_USER, text, (unsigned long)pin.n);
	secret_wipe(text, sizeof text);
	return rv == CKR_USER_ALREADY_LOGGED_IN ? 0 : token_err(rv);
}

int token_session(const struct token_modules *m, const struct key_uri *u, struct view pin,
	struct ck_function_list **f, ck_session_handle_t *out)
{
	const ck_flags_t flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
	ck_slot_id_t slot = 0;
	size_t i = 0;
	int rc;

	while (i < m->n && strcmp(m->v[i].path, u->module) != 0)
		i++;
	if (i == m->n)
		return -ERR_NOT_FOUND;
	*f = m->v[i].f;
	rc = find_slot(*f, u, &slot);
	if (rc == 0)
		rc = token_err((*f)->C_OpenSession(slot, flags, NULL, NULL, out));
	if (rc < 0)
		return rc;
	rc = login(*f, *out, pin);
	if (rc < 0)
		(void)(*f)->C_CloseSession(*out);
	return rc;
}

int token_find(struct ck_function_list *f, ck_session_handle_t session, const struct key_uri *u,
	ck_object_class_t class, ck_object_handle_t *out)
{
	char label[sizeof u->object];
	uint8_t id[sizeof u->id];
	struct ck_attribute want[3] = {{CKA_CLASS, &class, sizeof class}};
	ck_object_handle_t found[2];
	unsigned long n = 1;
	ck_rv_t rv;

	memcpy(label, u->object, sizeof label);
	memcpy(id, u->id, sizeof id);
	if (label[0] != '\0')
		want[n++] = (struct ck_attribute){CKA_LABEL, label, strlen(label)};
	if (u->id_n > 0)
		want[n++] = (struct ck_attribute){CKA_ID, id, u->id_n};
	rv = f->C_FindObjectsInit(session, want, n);
	if (rv != CKR_OK)
		return token_err(rv);
	rv = f->C_FindObjects(session, found, 2, &n);
	(void)f->C_FindObjectsFinal(session);
	if (rv != CKR_OK)
		return token_err(rv);
	if (n != 1)
		return n == 0 ? -ERR_NOT_FOUND : -ERR_VALUE;
	*out = found[0];
	return 0;
}

/* ---------------------------------------------------------------- the public half */

static int attribute(const struct token_key *k, ck_object_handle_t object, ck_attribute_type_t type,
	uint8_t room[ATTRIBUTE_MAX], struct view *out)
{
	struct ck_attribute a = {type, room, ATTRIBUTE_MAX};
	ck_rv_t rv = k->f->C_GetAttributeValue(k->session, object, &a, 1);

	if (rv != CKR_OK)
		return token_err(rv);
	if (a.value_len > ATTRIBUTE_MAX)
		return -ERR_UNSUPPORTED;
	*out = view_of(room, a.value_len);
	return 0;
}

/* SubjectPublicKeyInfo: algorithm with its parameters, and the key as a bit string. */
static int put_info(struct view oid, struct view parameters, struct view key, struct blob *out)
{
	auto_blob algorithm = {0}, all = {0};
	int rc = blob_append(&algorithm, oid);

	if (rc == 0)
		rc = blob_append(&algorithm, parameters);
	if (rc == 0)
		rc = der_put(&all, DER_SEQUENCE, blob_view(&algorithm));
	if (rc == 0)
		rc = der_put_bits(&all, key);
	return rc < 0 ? rc : der_put(out, DER_SEQUENCE, blob_view(&all));
}

static int rsa_info(struct token_key *k, struct blob *out)
{
	/* rsaEncryption; NULL (RFC 3279 2.3.1) */
	static const uint8_t oid[] = {
		0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
	static const uint8_t none[] = {0x05, 0x00};
	uint8_t n_room[ATTRIBUTE_MAX], e_room[ATTRIBUTE_MAX];
	struct view n = {0}, e = {0};
	auto_blob numbers = {0}, key = {0};
	int rc = attribute(k, k->object, CKA_MODULUS, n_room, &n);

	if (rc == 0)
		rc = attribute(k, k->object, CKA_PUBLIC_EXPONENT, e_room, &e);
	if (rc == 0)
		rc = der_put_uint(&numbers, n);
	if (rc == 0)
		rc = der_put_uint(&numbers, e);
	if (rc == 0)
		rc = der_put(&key, DER_SEQUENCE, blob_view(&numbers));
	k->bits = (uint32_t)(n.n * 8);
	return rc < 0 ? rc
		      : put_info(view_of_array(oid), view_of_array(none), blob_view(&key), out);
}

/* The point is in an OCTET STRING (PKCS#11 2.3.3); 133 octets at most. */
static int unwrap_point(struct view *point)
{
	size_t head = point->n > 2 && point->p[1] == 0x81 ? 3 : 2;

	if (point->n <= head || point->p[0] != DER_OCTET_STRING)
		return -ERR_UNSUPPORTED;
	*point = view_of(point->p + head, point->n - head);
	return 0;
}

static int ec_info(struct token_key *k, const struct key_uri *u, struct blob *out)
{
	static const uint8_t oid[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
	uint8_t curve_room[ATTRIBUTE_MAX], point_room[ATTRIBUTE_MAX];
	struct view curve = {0}, point = {0};
	ck_object_handle_t public = 0;
	int rc = token_find(k->f, k->session, u, CKO_PUBLIC_KEY, &public);

	if (rc == 0)
		rc = attribute(k, public, CKA_EC_PARAMS, curve_room, &curve);
	if (rc == 0)
		rc = attribute(k, public, CKA_EC_POINT, point_room, &point);
	if (rc == 0)
		rc = unwrap_point(&point);
	if (rc < 0)
		return rc;
	k->bits = point.n == 65 ? 256 : point.n == 97 ? 384 : point.n == 133 ? 521 : 0;
	if (k->bits == 0)
		return -ERR_UNSUPPORTED;
	return put_info(view_of_array(oid), curve, point, out);
}

/* ---------------------------------------------------------------- keys */

void token_key_free(struct token_key *k)
{
	if (!k)
		return;
	(void)k->f->C_CloseSession(k->session);
	free(k);
}

static int open_object(struct token_key *k, const struct key_uri *u, struct blob *public_key)
{
	ck_key_type_t type = 0;
	struct ck_attribute a = {CKA_KEY_TYPE, &type, sizeof type};
	int rc = token_find(k->f, k->session, u, CKO_PRIVATE_KEY, &k->object);

	if (rc == 0)
		rc = token_err(k->f->C_GetAttributeValue(k->session, k->object, &a, 1));
	if (rc < 0)
		return rc;
	k->ecdsa = type == CKK_EC;
	if (type != CKK_EC && type != CKK_RSA)
		return -ERR_UNSUPPORTED;
	return k->ecdsa ? ec_info(k, u, public_key) : rsa_info(k, public_key);
}

int token_key_open(const struct token_modules *m, const struct key_uri *u, struct view pin,
	struct token_key **out, struct blob *public_key)
{
	struct token_key *k = calloc(1, sizeof *k);
	int rc;

	if (!k)
		return -ERR_NOMEM;
	rc = token_session(m, u, pin, &k->f, &k->session);
	if (rc < 0) {
		free(k);
		return rc;
	}
	rc = open_object(k, u, public_key);
	if (rc < 0) {
		token_key_free(k);
		return rc;
	}
	*out = k;
	return 0;
}
