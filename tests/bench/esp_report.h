#pragma once
/*
 * The rows of bench-esp as text, JSON and CSV.
 *
 * Life: report_open() .. report_close(). NULL for a file that is not wanted.
 */
#include <stdio.h>

#include "esp_world.h"

struct report {
	double ghz;
	FILE *json, *csv;
	bool any; /* a row is in the JSON file */
};

void report_open(struct report *r, double ghz, const char *json, const char *csv);
void report_row(struct report *r, const struct row *row);
void report_close(struct report *r);
