#pragma once
/*
 * A parsed command as the message that asks tandemd for it. The message borrows from the command.
 */
#include "control.pb-c.h"
#include "cli/words.h"

#define CTL_SCHEMA 1

/* All that one request consists of; `request` points into it. */
struct request {
	Ctl__Request request;
	Ctl__IkeFilter ike;
	Ctl__IpsecFilter ipsec;

	/* Names of a certificate request. */
	char *domain, *email;
	ProtobufCBinaryData address[2];
	struct addr addr[2];

	union {
		Ctl__ShowIke show_ike;
		Ctl__ShowIpsec show_ipsec;
		Ctl__ShowIpsecStatistics show_ipsec_statistics;
		Ctl__ShowIkeStatistics show_ike_statistics;
		Ctl__ShowIkeRedirect show_ike_redirect;
		Ctl__RedirectIke redirect_ike;
		Ctl__SeededKey seeded_key;
		Ctl__ClearIkeRedirect clear_ike_redirect;
		Ctl__ShowCluster show_cluster;
		Ctl__ShowReplication show_replication;
		Ctl__ShowVersion show_version;
		Ctl__ShowInterfaces show_interfaces;
		Ctl__ShowConfiguration show_configuration;
		Ctl__ShowRoute show_route;
		Ctl__ShowNextHopTunnels show_next_hop_tunnels;
		Ctl__ShowInactiveTunnels show_inactive_tunnels;
		Ctl__ClearIke clear_ike;
		Ctl__ClearIpsec clear_ipsec;
		Ctl__ClearIpsecStatistics clear_ipsec_statistics;
		Ctl__Failover failover;
		Ctl__FailoverReset failover_reset;
		Ctl__ForceRestore force_restore;
		Ctl__RekeyIke rekey_ike;
		Ctl__RekeyIpsec rekey_ipsec;
		Ctl__Reload reload;
		Ctl__WorkerSet worker_set;
		Ctl__Rebalance rebalance;
		Ctl__ShowWorkers show_workers;
		Ctl__ShowPki show_pki;
		Ctl__PkiLoad pki_load;
		Ctl__PkiVerify pki_verify;
		Ctl__PkiGenerate pki_generate;
		Ctl__PkiMake pki_make;
		Ctl__PkiClear pki_clear;
	} u;
};

/* set_form: the configuration is wanted as `set` lines. */
void request_fill(struct request *r, const struct command *c, bool set_form);
