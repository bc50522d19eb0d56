/*
 * Replays a corpus through a fuzz target as a plain test: every regular file of the directories
 * given, the empty input first. Any fault of the target (assert, sanitizer) ends the program.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long replayed;

static void replay_file(const char *path)
{
	struct stat st;
	FILE *f = fopen(path, "rb");
	uint8_t *data;

	if (!f || fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
		if (f)
			(void)fclose(f);
		return;
	}
	data = malloc((size_t)st.st_size + 1);
	if (data && fread(data, 1, (size_t)st.st_size, f) == (size_t)st.st_size) {
		(void)LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
		replayed++;
	}
	free(data);
	(void)fclose(f);
}

static void replay_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[4096];

	if (!d)
		return;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		replay_file(path);
	}
	(void)closedir(d);
}

int main(int argc, char **argv)
{
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		replay_dir(argv[i]);
	printf("replayed %lu inputs\n", replayed);
	return replayed == 0;
}
