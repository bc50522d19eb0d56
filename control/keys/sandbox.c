#include "keys/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void lock_memory(struct sandbox_state *is)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	bool may = setrlimit(RLIMIT_MEMLOCK, &all) == 0;

	/* With a limit, locking what comes would let allocations fail. */
	is->memory_locked = mlockall(may ? MCL_CURRENT | MCL_FUTURE : MCL_CURRENT) == 0;
}

static int become(const struct sandbox *s)
{
	const struct passwd *p = getpwnam(s->user);

	if (!p)
		return -ERR_NOT_FOUND;
	if (p->pw_uid == 0)
		return 0;
	if (setgroups(0, NULL) != 0 || setresgid(p->pw_gid, p->pw_gid, p->pw_gid) != 0 ||
		setresuid(p->pw_uid, p->pw_uid, p->pw_uid) != 0)
		return -ERR_IO;
	return setuid(0) == 0 ? -ERR_IO : 0; /* it must not be possible to come back */
}

int sandbox_detach(const struct sandbox *s, struct sandbox_state *is)
{
	const struct rlimit none = {0};
	int rc = 0;

	*is = (struct sandbox_state){0};
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return -ERR_IO;
	is->own_network = unshare(CLONE_NEWNET) == 0;
	lock_memory(is);
	if (geteuid() == 0) {
		rc = become(s);
		is->own_user = rc == 0 && geteuid() != 0;
	}
	/* After the change of user, which sets it again. */
	if (rc == 0 && (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
			       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0))
		rc = -ERR_IO;
	return rc;
}

/* What serving takes: the socket it has, memory, threads that exist, time, random octets. */
static const int always[] = {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(close), SCMP_SYS(fsync), SCMP_SYS(fstat), SCMP_SYS(lseek), SCMP_SYS(futex),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(tgkill),
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rseq), SCMP_SYS(set_robust_list)};

/* A token in files: SoftHSM locks, reads and replaces its objects. */
static const int with_files[] = {SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(newfstatat),
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(fcntl), SCMP_SYS(flock), SCMP_SYS(getdents64),
	SCMP_SYS(ftruncate), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename),
	SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(readlink), SCMP_SYS(getcwd),
	SCMP_SYS(umask), SCMP_SYS(pread64), SCMP_SYS(fchmod), SCMP_SYS(dup)};

/* Nobody here does that: somebody else is in. */
static const int fatal[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev)};

/* Nobody here either; but a module that wants to say something to syslog is only refused. */
static const int network[] = {SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect),
	SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4)};

static int add_all(scmp_filter_ctx f, uint32_t action, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc = seccomp_rule_add(f, action, calls[i], 0);

		if (rc != 0 && rc != -EDOM) /* EDOM: not on this kind of machine */
			return -ERR_IO;
	}
	return 0;
}

/* Memory may be mapped and its protection changed, but never to what can be executed. */
static int add_mappings(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp data = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

	if (seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, data) != 0 ||
		seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, data) != 0)
		return -ERR_IO;
	return 0;
}

int sandbox_lock(const struct sandbox *s, struct sandbox_state *is)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc = -ERR_IO;

	if (!f)
		return -ERR_NOMEM;
	if (seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1) == 0)
		rc = add_all(f, SCMP_ACT_ALLOW, always, ARRAY_LEN(always));
	if (rc == 0 && s->files)
		rc = add_all(f, SCMP_ACT_ALLOW, with_files, ARRAY_LEN(with_files));
	if (rc == 0)
		rc = add_all(f, SCMP_ACT_KILL_PROCESS, fatal, ARRAY_LEN(fatal));
	if (rc == 0 && !s->files)
		rc = add_all(f, SCMP_ACT_KILL_PROCESS, network, ARRAY_LEN(network));
	if (rc == 0)
		rc = add_mappings(f);
	if (rc == 0 && seccomp_load(f) != 0)
		rc = -ERR_IO;
	seccomp_release(f);
	is->filtered = rc == 0;
	return rc;
}
