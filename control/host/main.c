/*
 * tandemd: starts, runs the loop, reloads, stops.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/map.h"
#include "config/config.h"
#include "crypto/random.h"
#include "host/clock.h"
#include "host/daemon.h"

enum { PATH_BUF = 512, HEAP_KEEP = 4 << 20 };

void daemon_stop(struct daemon *d, const char *reason)
{
	if (!d->stopping)
		log_notice(&d->log, "daemon.stop", "reason=\"%s\"", reason);
	d->stopping = true;
	uv_stop(&d->loop);
}

/* ---------------------------------------------------------------- signals */

static void on_end_signal(uv_signal_t *s, int number)
{
	struct daemon *d = (struct daemon *)s->data;

	(void)number;
	if (d->clustered && !d->leaving) {
		d->leaving = true; /* a second signal does not wait */
		ha_bridge_leave(&d->ha);
		work_drain(&d->work, d);
		return;
	}
	daemon_stop(d, "signal");
}

static void on_hup(uv_signal_t *s, int number)
{
	struct daemon *d = (struct daemon *)s->data;

	(void)number;
	if (d->args.log && logger_reopen(&d->logger, d->args.log) < 0)
		log_err(&d->log, "log.reopen.failed", "file=%s", d->args.log);
	reload_begin(d, false, NULL);
}

static int watch_signal(struct daemon *d, uv_signal_t *s, uv_signal_cb fn, int number)
{
	if (uv_signal_init(&d->loop, s) != 0)
		return -ERR_IO;
	s->data = d;
	return uv_signal_start(s, fn, number) == 0 ? 0 : -ERR_IO;
}

/* ---------------------------------------------------------------- start */

static void on_datagram(void *ctx, const struct punt_datagram *p)
{
	struct daemon *d = (struct daemon *)ctx;
	struct ike_event ev = {.type = IKE_EV_DATAGRAM};

	ev.datagram = (struct ike_ev_datagram){.interface_id = p->interface_id,
		.local = p->local,
		.remote = p->remote,
		.natt = p->local.port == 4500,
		.octets = p->data};
	runner_feed(&d->runner, &ev);
	work_drain(&d->work, d);
}

/* A node past its deadline stays silent (invariant I7). */
static bool may_send(void *ctx, uint32_t rg)
{
	const struct daemon *d = (const struct daemon *)ctx;

	return ha_bridge_may_act(&d->ha, rg);
}

static const char *path_in(char out[PATH_BUF], const char *given, const char *dir, const char *name)
{
	if (given)
		return given;
	(void)snprintf(out, PATH_BUF, "%s/%s", dir, name);
	return out;
}

static int start_identity(struct daemon *d)
{
	(void)mkdir(d->args.state_dir, 0700);
	(void)mkdir(d->args.run_dir, 0750);
	d->env = random_env();
	map_seed(&d->env);
	return iv_guard_start(&d->iv, d);
}

static void on_turn(uv_prepare_t *p)
{
	log_flush(&((struct daemon *)p->data)->log);
}

static int start_turn(struct daemon *d)
{
	if (uv_prepare_init(&d->loop, &d->turn) != 0)
		return -ERR_IO;
	d->turn.data = d;
	return uv_prepare_start(&d->turn, on_turn) == 0 ? 0 : -ERR_IO;
}

static int start_services(struct daemon *d)
{
	const struct dp_handlers on = {daemon_dp_up, daemon_dp_down, daemon_dp_event, d};
	char path[PATH_BUF];
	int rc;

	d->dp.log = d->punt.log = d->ctl.log = d->log;
	rc = ctl_server_init(&d->ctl, &d->loop,
		path_in(path, d->args.control, d->args.run_dir, "tandemd.sock"), daemon_ctl, d);
	if (rc == 0)
		rc = punt_init(&d->punt, &d->loop,
			path_in(path, d->args.punt, d->args.run_dir, "punt.sock"),
			(struct punt_handlers){on_datagram, may_send, d});
	if (rc == 0)
		rc = daemon_dp_init(d);
	if (rc == 0)
		rc = dp_client_init(&d->dp, &d->loop,
			path_in(path, d->args.dataplane, d->args.run_dir, "dataplane.sock"), on);
	return rc;
}

static int start_cores(struct daemon *d)
{
	int rc;

	d->clustered = d->model->cluster.enabled;
	if (d->clustered && d->args.node < 0) {
		log_err(&d->log, "daemon.refused",
			"reason=\"chassis cluster is configured but --node is not given\"");
		return -ERR_VALUE;
	}
	d->node = d->args.node < 0 ? 0 : (uint32_t)d->args.node;
	d->keys.log = d->log;
	rc = crypto_new(&d->crypto);
	if (rc == 0)
		rc = pki_make(d->args.pki_dir);
	if (rc == 0)
		rc = keys_client_init(&d->keys, &d->loop, d->args.pki_dir, d->args.keys_program,
			d->args.keys_user);
	if (rc == 0)
		rc = credentials_init(&d->credentials, d);
	if (rc == 0)
		rc = credentials_load(&d->credentials, d->model);
	if (rc == 0)
		rc = runner_init(&d->runner, d);
	if (rc == 0)
		rc = pki_service_init(&d->pki, d);
	if (rc == 0)
		rc = resolver_init(&d->resolver, d);
	if (rc == 0)
		rc = routes_init(&d->routes, d);
	if (rc == 0)
		rc = local_init(&d->local, d);
	if (rc == 0 && d->clustered) {
		d->ha.log = d->log;
		rc = ha_bridge_init(&d->ha, d);
	}
	return rc;
}

static int start(struct daemon *d)
{
	int rc = start_identity(d);

	if (rc == 0)
		rc = start_turn(d);
	if (rc == 0)
		rc = reload_first(d);
	if (rc == 0 && (watch_signal(d, &d->term, on_end_signal, SIGTERM) < 0 ||
			       watch_signal(d, &d->intr, on_end_signal, SIGINT) < 0 ||
			       watch_signal(d, &d->hup, on_hup, SIGHUP) < 0))
		rc = -ERR_IO;
	if (rc == 0)
		rc = start_cores(d);
	if (rc == 0)
		rc = start_services(d);
	if (rc == 0)
		rc = watchdog_start(&d->dog, &d->loop);
	return rc;
}

/* ---------------------------------------------------------------- end */

static void close_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

/* Whoever waits for an answer gets one while the cores are there; then nobody can ask any more;
 * then the cores go. */
static void finish(struct daemon *d)
{
	reloads_fini(d);
	if (d->dp.loop)
		dp_client_close(&d->dp);
	calls_fini(&d->ha.calls);
	calls_fini(&d->runner.calls);
	keys_client_close(&d->keys);
	ctl_server_close(&d->ctl);
	if (d->punt.loop)
		punt_close(&d->punt);
	work_fini(&d->work, d);
	watchdog_stop(&d->dog);
	local_fini(&d->local);
	routes_fini(&d->routes);
	ha_bridge_fini(&d->ha);
	resolver_fini(&d->resolver);
	pki_service_fini(&d->pki);
	runner_fini(&d->runner);
	credentials_fini(&d->credentials);
	uv_walk(&d->loop, close_handle, NULL);
	(void)uv_run(&d->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&d->loop);
	work_fini(&d->work, d);
	daemon_ports_free(d);
	baseline_fini(&d->baseline);
	if (d->model)
		model_free(d->model);
	crypto_free(d->crypto);
	logger_close(&d->logger);
}

/* Keys must not reach a swap device or a core file; without the right to lock, go on and say so. */
static void protect_memory(struct daemon *d)
{
	const struct rlimit none = {0};

	(void)setrlimit(RLIMIT_CORE, &none);
	/* What is locked is populated by the kernel each time it is mapped: not to be given back
	 * and taken again with each message. */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEEP);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_KEEP);
	/* An arena of another thread would grow by a page at a time, a mprotect() each. */
	(void)mallopt(M_ARENA_MAX, 1);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		log_info(&d->log, "daemon.memory", "locked=no");
}

int main(int argc, char **argv)
{
	struct daemon *d = calloc(1, sizeof *d);
	bool done = false;
	int rc;

	if (!d)
		return 1;
	rc = args_parse(argc, argv, &d->args, &done);
	if (rc != 0 || done) {
		free(d);
		return rc;
	}
	if (logger_open(&d->logger, d->args.log, d->args.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO) <
		0) {
		fprintf(stderr, "tandemd: cannot open %s\n", d->args.log);
		free(d);
		return 1;
	}
	d->log.sink = &d->logger.sink;
	if (d->args.node >= 0)
		(void)snprintf(d->log.prefix, sizeof d->log.prefix, "node=%d", d->args.node);
	d->started_wall_s = clock_wall_s();
	(void)signal(SIGPIPE, SIG_IGN);
	work_init(&d->work);
	reloads_init(&d->reloads);
	(void)uv_loop_init(&d->loop);
	protect_memory(d);
	rc = start(d);
	if (rc == 0) {
		log_notice(&d->log, "daemon.start", "version=%s incarnation=%u cluster=%s",
			TANDEM_VERSION, d->iv.in_use.ike, d->clustered ? "yes" : "no");
		work_drain(&d->work, d);
		if (!d->stopping)
			(void)uv_run(&d->loop, UV_RUN_DEFAULT);
	} else {
		log_err(&d->log, "daemon.refused", "reason=\"%s\"", err_text(rc));
	}
	finish(d);
	free(d);
	return rc == 0 ? 0 : 1;
}
