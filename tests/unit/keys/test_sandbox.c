/* What a process that was locked in can still do: each attempt in a child of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keys/sandbox.h"

enum { FINE = 0, REFUSED = 40, OTHERWISE = 41, NOT_LOCKED = 42 };

/* Raw system calls: sanitizers wrap the library's. */
static int refused(long rc)
{
	return rc >= 0 ? FINE : errno == EPERM ? REFUSED : OTHERWISE;
}

static int try_socket(void)
{
	return refused(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
}

static int try_unix(void)
{
	return refused(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
}

static int try_exec(void)
{
	const char *const argv[] = {"/bin/true", NULL};

	return refused(syscall(SYS_execve, argv[0], argv, NULL));
}

static int try_ptrace(void)
{
	return refused(syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_fork(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		syscall(SYS_exit_group, 0);
	return refused(pid);
}

static int try_open(void)
{
	return refused(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY));
}

static int try_code(void)
{
	return refused(syscall(
		SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static int try_memory(void)
{
	return refused(syscall(
		SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static int try_write(void)
{
	return refused(syscall(SYS_write, STDERR_FILENO, "", 0));
}

/* A thread that was there before is held, too. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *in_thread(void *out)
{
	(void)pthread_mutex_lock(&gate);
	*(int *)out = try_open();
	(void)pthread_mutex_unlock(&gate);
	return NULL;
}

static int child(const struct sandbox *box, int (*attempt)(void))
{
	struct sandbox_state is;
	struct rlimit core;

	if (sandbox_detach(box, &is) < 0 || getrlimit(RLIMIT_CORE, &core) != 0 ||
		core.rlim_max != 0 || prctl(PR_GET_DUMPABLE) != 0 ||
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || (is.own_user && geteuid() == 0))
		return NOT_LOCKED;
	if (!attempt) {
		pthread_t t;
		int result = OTHERWISE;

		(void)pthread_mutex_lock(&gate);
		if (pthread_create(&t, NULL, in_thread, &result) != 0 || sandbox_lock(box, &is) < 0)
			return NOT_LOCKED;
		(void)pthread_mutex_unlock(&gate);
		(void)pthread_join(t, NULL);
		return result;
	}
	return sandbox_lock(box, &is) < 0 || !is.filtered ? NOT_LOCKED : attempt();
}

static int status_of(const struct sandbox *box, int (*attempt)(void))
{
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0)
		syscall(SYS_exit_group, child(box, attempt));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void sandbox_table(void **state)
{
	static const struct {
		const char *name;
		int (*attempt)(void);
		bool files, fatal;
		int exit;
	} rows[] = {
		{"socket(AF_INET) ends it", try_socket, false, true, 0},
		{"socket(AF_UNIX) ends it", try_unix, false, true, 0},
		{"execve ends it", try_exec, false, true, 0},
		{"ptrace ends it", try_ptrace, false, true, 0},
		{"no new process", try_fork, false, false, REFUSED},
		{"no file", try_open, false, false, REFUSED},
		{"no file for a thread either", NULL, false, false, REFUSED},
		{"no new code", try_code, false, false, REFUSED},
		{"memory", try_memory, false, false, FINE},
		{"write", try_write, false, false, FINE},
		{"a module opens files", try_open, true, false, FINE},
		{"a module has no socket", try_socket, true, false, REFUSED},
		{"a module has no socket of this node", try_unix, true, false, REFUSED},
		{"a module executes nothing", try_exec, true, true, 0},
		{"a module brings no new code", try_code, true, false, REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sandbox box = {.user = "nobody", .files = rows[i].files};
		int status = status_of(&box, rows[i].attempt);

		if (rows[i].fatal ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS
				  : !WIFEXITED(status) || WEXITSTATUS(status) != rows[i].exit)
			fail_msg("%s: status %#x", rows[i].name, (unsigned)status);
	}
}

static int try_network(void)
{
	return FINE;
}

/* As root it is another user in another network; a user who is not there is not taken for granted.
 */
static void sandbox_leaves_root(void **state)
{
	const struct sandbox nobody = {.user = "no-such-user-here"};
	struct sandbox_state is;
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0) {
		print_message("# skipped: only root can give rights away\n");
		skip();
	}
	assert_int_equal(status_of(&nobody, try_network), NOT_LOCKED << 8);
	pid = fork();
	if (pid == 0) {
		const struct sandbox box = {.user = "nobody"};

		if (sandbox_detach(&box, &is) < 0 || !is.own_network || !is.own_user)
			_exit(1);
		_exit(setuid(0) == 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sandbox_table),
		cmocka_unit_test(sandbox_leaves_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
