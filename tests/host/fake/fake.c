/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine under the host tests: arch and rtos contracts as plain Linux
 * process code. See fake.h for what is checked. One thread only; nothing here
 * is part of the kernel.
 */
#define _GNU_SOURCE
#include "fake.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MAX_MAPS = 16384,
	MAX_HELD = 8,
	LOG_BYTES = 1 << 20,
};
#define FAKE_PHYS_BYTES (1ull << ARCH_PHYS_BITS)
#define EARLY_BASE 0x340000000000ull

/* Not in programs that have no page allocator. */
struct pcp_cpu *mm_cpu_cache(unsigned int cpu) __attribute__((weak));

bool fake_irqs_masked;
static bool junk;
struct task *fake_current;

struct mapping {
	u64 va, p, nr_pages;
	enum arch_prot prot;
};

static struct {
	int fd;
	struct mapping ram[4096]; /* va unused: where RAM is, prot RW when mapped */
	unsigned int nr_ram;
	struct mapping map[MAX_MAPS];
	unsigned int nr_maps;
	struct mapping early[1024];
	unsigned int nr_early;
	u64 mapped_pages, linear_bytes, early_next;
	unsigned int nr_cpus, cpu, fail_map, phys_bits;
	unsigned int cpu_node[MAX_CPUS];
	struct arch_image image;
	u64 now, count;
	char log[LOG_BYTES];
	size_t log_len;
	struct spinlock *held[MAX_HELD];
	unsigned int nr_held;
	jmp_buf *panic_to;
	char panic_text[1024];
	unsigned int console_level;
} f = { .fd = -1, .phys_bits = 44, .nr_cpus = 1 };

static tm_noreturn void broken(const char *what)
{
	fprintf(stderr, "fake: %s\n%s", what, f.log);
	abort();
}

/* The meter is not part of the machine under test. */
void meter_step(void)
{
}

/* ---- physical memory ------------------------------------------------------ */

static void open_memory(void)
{
	if (f.fd >= 0)
		close(f.fd);
	f.fd = memfd_create("ram", MFD_CLOEXEC);
	if (f.fd < 0 || ftruncate(f.fd, (off_t)FAKE_PHYS_BYTES))
		broken("no memory file");
}

static void map_view(u64 va, u64 p, u64 nr_bytes, int prot)
{
	void *at =
		mmap((void *)(uintptr_t)va, nr_bytes, prot, MAP_SHARED | MAP_FIXED, f.fd, (off_t)p);

	if (at == MAP_FAILED)
		broken("mmap failed");
}

static void unmap_view(u64 va, u64 nr_bytes)
{
	munmap((void *)(uintptr_t)va, nr_bytes);
}

void fake_ram(u64 start, u64 end, bool mapped)
{
	if (f.nr_ram == ARRAY_SIZE(f.ram) || start >= end || end > FAKE_PHYS_BYTES)
		broken("fake_ram: bad range");
	f.ram[f.nr_ram++] = (struct mapping){ .p = start, .nr_pages = (end - start) >> PAGE_SHIFT };
	if (mapped)
		fake_map(align_up(start, PAGE_SIZE), align_down(end, PAGE_SIZE));
}

void fake_map(u64 start, u64 end)
{
	arch_linear_map(phys_make(start), phys_make(end));
	if (junk)
		memset(phys_to_virt(phys_make(start)), 0xa5, end - start);
}

void fake_junk(bool on)
{
	junk = on;
}

void fake_phys_write(u64 p, const void *data, u64 nr_bytes)
{
	if (pwrite(f.fd, data, nr_bytes, (off_t)p) != (ssize_t)nr_bytes)
		broken("fake_phys_write");
}

void fake_phys_read(u64 p, void *data, u64 nr_bytes)
{
	if (pread(f.fd, data, nr_bytes, (off_t)p) != (ssize_t)nr_bytes)
		broken("fake_phys_read");
}

void arch_linear_map(phys_t start, phys_t end)
{
	if (start.v >= end.v || !is_aligned(start.v | end.v, PAGE_SIZE))
		broken("arch_linear_map: bad range");
	map_view(ARCH_LINEAR_BASE + start.v, start.v, end.v - start.v, PROT_READ | PROT_WRITE);
	f.map[f.nr_maps++] = (struct mapping){ ARCH_LINEAR_BASE + start.v, start.v,
					       (end.v - start.v) >> PAGE_SHIFT, ARCH_PROT_RW };
	f.linear_bytes += end.v - start.v;
}

void arch_linear_by_pages(void)
{
}

bool arch_linear_guard(phys_t p, u64 nr_pages, bool guard)
{
	if (mprotect(phys_to_virt(p), nr_pages << PAGE_SHIFT,
		     guard ? PROT_NONE : PROT_READ | PROT_WRITE))
		broken("arch_linear_guard");
	return true;
}

/* One mapping per contiguous run keeps the table short. */
static void remember(u64 va, u64 p, u64 nr_pages, enum arch_prot prot)
{
	struct mapping *last = f.nr_maps ? &f.map[f.nr_maps - 1] : NULL;

	if (last && last->va + (last->nr_pages << PAGE_SHIFT) == va &&
	    last->p + (last->nr_pages << PAGE_SHIFT) == p && last->prot == prot) {
		last->nr_pages += nr_pages;
		return;
	}
	if (f.nr_maps == MAX_MAPS)
		broken("too many mappings");
	f.map[f.nr_maps++] = (struct mapping){ va, p, nr_pages, prot };
}

int arch_map(u64 va, phys_t p, u64 nr_pages, enum arch_prot prot)
{
	if (!nr_pages || !is_aligned(va | p.v, PAGE_SIZE))
		broken("arch_map: bad range");
	if (f.fail_map && --f.fail_map == 0)
		return ERR_NOMEM;
	for (unsigned int i = 0; i < f.nr_maps; i++) {
		const struct mapping *m = &f.map[i];

		if (va < m->va + (m->nr_pages << PAGE_SHIFT) &&
		    m->va < va + (nr_pages << PAGE_SHIFT))
			return ERR_EXIST;
	}
	map_view(va, p.v, nr_pages << PAGE_SHIFT,
		 prot == ARCH_PROT_RO ? PROT_READ : PROT_READ | PROT_WRITE);
	remember(va, p.v, nr_pages, prot);
	f.mapped_pages += nr_pages;
	return 0;
}

void arch_unmap(u64 va, u64 nr_pages)
{
	for (unsigned int i = 0; i < f.nr_maps; i++) {
		struct mapping *m = &f.map[i];

		if (m->va == va && m->nr_pages == nr_pages) {
			unmap_view(va, nr_pages << PAGE_SHIFT);
			f.mapped_pages -= nr_pages;
			*m = f.map[--f.nr_maps];
			return;
		}
	}
	broken("arch_unmap: not a whole mapping");
}

bool arch_translate(u64 va, phys_t *p, bool *writable, bool *executable)
{
	for (unsigned int i = 0; i < f.nr_maps; i++) {
		const struct mapping *m = &f.map[i];

		if (va < m->va || va >= m->va + (m->nr_pages << PAGE_SHIFT))
			continue;
		*p = phys_make(m->p + (va - m->va));
		if (writable)
			*writable = m->prot != ARCH_PROT_RO;
		if (executable)
			*executable = false;
		return true;
	}
	return false;
}

void *arch_early_map(phys_t p, u64 nr_bytes, enum arch_prot prot)
{
	u64 first = align_down(p.v, PAGE_SIZE);
	u64 bytes = align_up(p.v + nr_bytes, PAGE_SIZE) - first;
	u64 va = f.early_next;

	if (nr_bytes > 4u << 20 || va + bytes > EARLY_BASE + (4u << 20) ||
	    p.v + nr_bytes > FAKE_PHYS_BYTES)
		return NULL;
	map_view(va, first, bytes, prot == ARCH_PROT_RO ? PROT_READ : PROT_READ | PROT_WRITE);
	f.early_next += bytes;
	if (f.nr_early == ARRAY_SIZE(f.early))
		broken("too many early mappings");
	f.early[f.nr_early++] = (struct mapping){ va, first, bytes >> PAGE_SHIFT, prot };
	return (void *)(uintptr_t)(va + (p.v - first));
}

void arch_early_unmap_all(void)
{
	if (f.early_next > EARLY_BASE)
		unmap_view(EARLY_BASE, f.early_next - EARLY_BASE);
	f.early_next = EARLY_BASE;
	f.nr_early = 0;
}

/* Only RAM answers here: there are no devices. */
bool arch_probe(const void *p)
{
	u64 va = (u64)(uintptr_t)p;

	for (unsigned int i = 0; i < f.nr_early; i++) {
		const struct mapping *m = &f.early[i];
		u64 at = m->p + (va - m->va);

		if (va < m->va || va >= m->va + (m->nr_pages << PAGE_SHIFT))
			continue;
		for (unsigned int r = 0; r < f.nr_ram; r++) {
			if (at >= f.ram[r].p && at < f.ram[r].p + (f.ram[r].nr_pages << PAGE_SHIFT))
				return true;
		}
		return false;
	}
	broken("arch_probe: not an early mapping");
}

bool arch_probe_ram(void *p)
{
	return arch_probe(p);
}

const struct uart_hint *arch_uart_hint(void)
{
	static const struct uart_hint none;

	return &none;
}

void *arch_ioremap(phys_t p, u64 nr_bytes)
{
	(void)p;
	(void)nr_bytes;
	return NULL;
}

const struct arch_image *arch_image(void)
{
	return &f.image;
}

void arch_free_init(void)
{
}

bool arch_check_wx(void)
{
	return true;
}

unsigned int arch_phys_bits(void)
{
	return f.phys_bits;
}

/* ---- CPUs and time -------------------------------------------------------- */

__attribute__((weak)) void arch_cpus_init(void)
{
}

unsigned int arch_cpu_count(void)
{
	return f.nr_cpus;
}

u64 arch_cpu_hwid(unsigned int cpu)
{
	return cpu;
}

unsigned int arch_cpu_node(unsigned int cpu)
{
	return f.cpu_node[cpu];
}

u64 arch_now_ns(void)
{
	return f.now;
}

u64 arch_count(void)
{
	return ++f.count;
}

bool arch_count_exact(void)
{
	return false;
}

unsigned int cpu_id(void)
{
	return f.cpu;
}

u64 cpus_online(void)
{
	return f.nr_cpus == 64 ? CPUS_ALL : (1ull << f.nr_cpus) - 1;
}

unsigned int cpus_online_count(void)
{
	return f.nr_cpus;
}

bool may_sleep(void)
{
	return !f.nr_held && !fake_irqs_masked && !fake_task.in_interrupt;
}

bool sched_running(void)
{
	return true;
}

void preempt_disable(void)
{
}

void preempt_enable(void)
{
}

__attribute__((weak)) void fake_paused(char what)
{
	(void)what;
}

void task_yield(void)
{
	fake_paused('y');
}

/* ---- spinlocks ------------------------------------------------------------ */

const char *lock_rank_name(enum lock_rank rank)
{
	(void)rank;
	return "lock";
}

void spin_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock){ .rank = rank };
}

void spin_lock(struct spinlock *l)
{
	if (l->holder)
		broken("lock taken twice");
	for (unsigned int i = 0; i < f.nr_held; i++)
		if (f.held[i]->rank >= l->rank && l->rank != LOCK_RANK_NONE)
			broken("lock rank inversion");
	if (f.nr_held == MAX_HELD)
		broken("too many locks");
	f.held[f.nr_held++] = l;
	l->holder = f.cpu + 1;
}

void spin_unlock(struct spinlock *l)
{
	if (!f.nr_held || f.held[f.nr_held - 1] != l || l->holder != f.cpu + 1)
		broken("unlock of a lock that is not the last taken");
	f.nr_held--;
	l->holder = 0;
}

u64 spin_lock_irqsave(struct spinlock *l)
{
	u64 flags = arch_irq_save();

	spin_lock(l);
	return flags;
}

void spin_unlock_irqrestore(struct spinlock *l, u64 flags)
{
	if (!fake_irqs_masked)
		broken("interrupts on inside an irqsave section");
	spin_unlock(l);
	arch_irq_restore(flags);
}

bool spin_held(const struct spinlock *l)
{
	return l->holder == f.cpu + 1;
}

unsigned int fake_locks_held(void)
{
	return f.nr_held;
}

/* ---- messages and panics -------------------------------------------------- */

static void log_add(const char *fmt, va_list ap)
{
	size_t room = LOG_BYTES - f.log_len;
	int n = vsnprintf(f.log + f.log_len, room, fmt, ap);

	if (n < 0 || (size_t)n + 2 > room)
		broken("message buffer full");
	f.log_len += (size_t)n;
	f.log[f.log_len++] = '\n';
	f.log[f.log_len] = '\0';
}

void printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	log_add(fmt, ap);
	va_end(ap);
}

static tm_noreturn void die(void)
{
	if (!f.panic_to) {
		fprintf(stderr, "panic: %s\nmessages:\n%s", f.panic_text, f.log);
		abort();
	}
	longjmp(*f.panic_to, 1);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f.panic_text, sizeof(f.panic_text), fmt, ap);
	va_end(ap);
	die();
}

void tm_bug(const char *file, int line, const char *what, u64 a, u64 b)
{
	snprintf(f.panic_text, sizeof(f.panic_text), "BUG %s:%d: %s (%#llx, %#llx)", file, line,
		 what, (unsigned long long)a, (unsigned long long)b);
	die();
}

void panic_fault(const char *what)
{
	panic("%s", what);
}

const char *fake_panics(void (*fn)(void *arg), void *arg)
{
	jmp_buf here;
	jmp_buf *outer = f.panic_to;
	unsigned int held = f.nr_held;
	bool masked = fake_irqs_masked;
	const char *text = NULL;

	f.panic_to = &here;
	if (setjmp(here) == 0)
		fn(arg);
	else
		text = f.panic_text;
	while (f.nr_held > held)
		f.held[--f.nr_held]->holder = 0;
	fake_irqs_masked = masked;
	f.panic_to = outer;
	return text;
}

/* Where coverage is counted: what is left to write when a child ends. */
void __gcov_dump(void) __attribute__((weak));

int fake_run_child(void (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		broken("fork");
	if (pid == 0) {
		setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed assert ends the child */
		fn(arg);
		fflush(NULL);
		if (__gcov_dump)
			__gcov_dump();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		broken("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *fake_log(void)
{
	return f.log;
}

bool fake_log_has(const char *text)
{
	return strstr(f.log, text) != NULL;
}

unsigned int fake_log_count(const char *text)
{
	unsigned int n = 0;

	for (const char *s = f.log; (s = strstr(s, text)) != NULL; s += strlen(text))
		n++;
	return n;
}

void fake_log_clear(void)
{
	f.log_len = 0;
	f.log[0] = '\0';
}

void log_set_console_level(unsigned int level)
{
	f.console_level = level;
}

unsigned int log_console_level(void)
{
	return f.console_level;
}

__attribute__((weak)) int console_early_hint(const struct uart_hint *hint)
{
	(void)hint;
	return ERR_NODEV;
}

__attribute__((weak)) int console_early_init(const struct dt_console *named)
{
	(void)named;
	return ERR_NODEV;
}

/* ---- boot arguments ------------------------------------------------------- */

static char cmdline_text[4096];

void fake_cmdline(const char *line)
{
	snprintf(cmdline_text, sizeof(cmdline_text), "%s", line);
}

__attribute__((weak)) const char *boot_cmdline(void)
{
	return cmdline_text;
}

/* ---- the test's side --------------------------------------------------------- */

void fake_reset(void)
{
	for (unsigned int i = 0; i < f.nr_maps; i++)
		unmap_view(f.map[i].va, f.map[i].nr_pages << PAGE_SHIFT);
	f.nr_maps = 0;
	f.nr_ram = 0;
	f.mapped_pages = 0;
	f.linear_bytes = 0;
	if (f.early_next)
		arch_early_unmap_all();
	f.early_next = EARLY_BASE;
	open_memory();
	fake_task_reset();
	if (f.nr_held)
		broken("a lock is still held");
	fake_irqs_masked = false;
	f.now = 0;
	f.fail_map = 0;
	f.phys_bits = 44;
	fake_cmdline("");
	f.cpu = 0;
	fake_cpus(1, NULL);
	fake_image(0x40200000, 0x40300000, 0x40280000, 0x40288000);
	fake_log_clear();
}

void fake_cpus(unsigned int nr, const unsigned int *node)
{
	if (!nr || nr > MAX_CPUS)
		broken("fake_cpus");
	f.nr_cpus = nr;
	for (unsigned int i = 0; i < nr; i++)
		f.cpu_node[i] = node ? node[i] : 0;
}

void fake_set_cpu(unsigned int cpu)
{
	f.cpu = cpu;
	fake_task.mm.cache = mm_cpu_cache ? mm_cpu_cache(cpu) : NULL;
}

void fake_image(u64 start, u64 end, u64 init_start, u64 init_end)
{
	f.image = (struct arch_image){ .start = phys_make(start),
				       .end = phys_make(end),
				       .text_end = phys_make(start),
				       .rodata_end = phys_make(start),
				       .init_start = phys_make(init_start),
				       .init_end = phys_make(init_end) };
}

void fake_clock_ns(u64 now)
{
	f.now = now;
}

void fake_phys_bits(unsigned int bits)
{
	f.phys_bits = bits;
}

void fake_fail_map(unsigned int n)
{
	f.fail_map = n;
}

u64 fake_mapped_pages(void)
{
	return f.mapped_pages;
}

u64 fake_linear_bytes(void)
{
	return f.linear_bytes;
}

u64 fake_seed(const char *test, u64 fallback)
{
	const char *env = getenv("SEED");
	u64 seed = env ? strtoull(env, NULL, 0) : fallback;

	printf("  %s: SEED=0x%llx\n", test, (unsigned long long)seed);
	return seed ? seed : 1;
}

unsigned int fake_rounds(unsigned int n)
{
	return getenv("SOAK") ? 10 * n : n;
}

u64 fake_random(u64 *state)
{
	u64 x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

char *fake_read_file(const char *path, size_t *size)
{
	FILE *in = fopen(path, "rb");
	char *data;
	long n;

	if (!in || fseek(in, 0, SEEK_END) || (n = ftell(in)) < 0)
		broken(path);
	rewind(in);
	data = malloc((size_t)n + 1);
	if (!data || fread(data, 1, (size_t)n, in) != (size_t)n)
		broken(path);
	data[n] = '\0';
	fclose(in);
	if (size)
		*size = (size_t)n;
	return data;
}
