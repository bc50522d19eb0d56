#include "esp_report.h"

static FILE *open_file(const char *path)
{
	FILE *f = path ? fopen(path, "w") : NULL;

	must(!path || f, path);
	return f;
}

void report_open(struct report *r, double ghz, const char *json, const char *csv)
{
	*r = (struct report){.ghz = ghz, .json = open_file(json), .csv = open_file(csv)};
	(void)printf(
		"memory to a null port, replay window 1024, TSC %.2f GHz; cycles a packet\n"
		"suite               dir    size        SAs               whole  median     bare  "
		"median  ratio    peer\n",
		ghz);
	if (r->json)
		(void)fprintf(r->json, "[\n");
	if (!r->csv)
		return;
	(void)fprintf(r->csv, "suite,dir,bytes,sas,order,workers,cycles,median_cycles,mpps,"
			      "bare_cycles,bare_median_cycles,peer_cycles,resident");
	for (enum stage s = 0; s < STAGES; s++)
		(void)fprintf(r->csv, ",%s", stage_name(s));
	(void)fprintf(r->csv, "\n");
}

static double mpps(const struct report *r, const struct row *row)
{
	return r->ghz * 1e3 / row->min * row->workers;
}

static const char *dir_name(const struct row *row)
{
	return row->dir == OUT ? "out" : "in";
}

static void row_json(struct report *r, const struct row *row)
{
	char bytes[16] = "\"imix\"", peer[32] = "null";

	if (row->sas > 1 && row->workers == 1 && !row->shuffled)
		return; /* a row says how many SAs, not in which order: the harder one */
	if (row->bytes != IMIX)
		(void)snprintf(bytes, sizeof bytes, "%u", row->bytes);
	if (row->peer > 0)
		(void)snprintf(peer, sizeof peer, "%.1f", row->peer);
	(void)fprintf(r->json,
		"%s  {\"suite\": \"%s\", \"dir\": \"%s\", \"bytes\": %s, \"sas\": %u, "
		"\"workers\": %u, \"cycles\": %.1f, \"mpps\": %.3f, \"bare_cycles\": %.1f, "
		"\"peer_cycles\": %s}",
		r->any ? ",\n" : "", row->suite->name, dir_name(row), bytes, row->sas, row->workers,
		row->min, mpps(r, row), row->bare_min, peer);
	r->any = true;
}

static void row_csv(struct report *r, const struct row *row)
{
	char bytes[16] = "imix";

	if (row->bytes != IMIX)
		(void)snprintf(bytes, sizeof bytes, "%u", row->bytes);
	(void)fprintf(r->csv, "%s,%s,%s,%u,%s,%u,%.1f,%.1f,%.3f,%.1f,%.1f,%.1f,%.0f",
		row->suite->name, dir_name(row), bytes, row->sas,
		row->shuffled ? "shuffled" : "in order", row->workers, row->min, row->median,
		mpps(r, row), row->bare_min, row->bare_median, row->peer, row->resident);
	for (enum stage s = 0; s < STAGES; s++)
		(void)fprintf(r->csv, ",%.1f", row->stages[s]);
	(void)fprintf(r->csv, "\n");
}

static void stages_text(const struct row *row)
{
	double sum = 0;

	for (enum stage s = 0; s < STAGES; s++)
		sum += row->stages[s];
	if (sum == 0)
		return;
	(void)printf("   ");
	for (enum stage s = 0; s < STAGES; s++)
		(void)printf(" %s %.0f", stage_name(s), row->stages[s]);
	(void)printf(" | %.0f\n", sum);
}

static void row_text(const struct report *r, const struct row *row)
{
	char size[16] = "imix", peer[16] = "-";

	if (row->bytes != IMIX)
		(void)snprintf(size, sizeof size, "%u B", row->bytes);
	if (row->peer > 0)
		(void)snprintf(peer, sizeof peer, "%.1f", row->peer);
	(void)printf("%-19s %-4s %6s %6u SA x%u %-8s %7.1f %7.1f  %7.1f %7.1f  %5.2f %7s  %6.2f "
		     "Mpps\n",
		row->suite->name, dir_name(row), size, row->sas, row->workers,
		row->shuffled ? "shuffled" : "", row->min, row->median, row->bare_min,
		row->bare_median, row->min / row->bare_min, peer, mpps(r, row));
	stages_text(row);
	if (row->resident > 0)
		(void)printf("    %.0f octets resident an SA pair\n", row->resident);
	(void)fflush(stdout);
}

void report_row(struct report *r, const struct row *row)
{
	row_text(r, row);
	if (r->json)
		row_json(r, row);
	if (r->csv)
		row_csv(r, row);
}

void report_close(struct report *r)
{
	if (r->json) {
		(void)fprintf(r->json, "\n]\n");
		(void)fclose(r->json);
	}
	if (r->csv)
		(void)fclose(r->csv);
}
