/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RTOS as the rest of the kernel sees it: tasks, scheduler, locks, wait
 * queues, mutexes, time, messages, interrupts, boot arguments.
 *
 * Context words used below: "task" - called by a task with preemption and
 * interrupts on, may sleep; "any" - task, atomic section or hard interrupt;
 * "atomic" - interrupts masked or a spinlock held is fine, never sleeps.
 *
 * Lock keys of fields: (S) scheduler lock, (I) set at creation then constant,
 * (A) atomic, (T) the task itself, (W) lock of the wait queue it waits on, (C)
 * console lock.
 */
#ifndef RTOS_RTOS_H
#define RTOS_RTOS_H

#include "arch/arch.h"
#include "mm/locks.h"
#include "rtos/lib/lib.h"
#include "rtos/lib/tree.h"
#include "rtos/defer.h"
#include "rtos/meter.h"
#include "rtos/sync.h"

/* ---- spinlocks ---------------------------------------------------------- */

/*
 * Fair (ticket) spinlock. Holding one disables preemption. rank orders it
 * among all others (mm/locks.h); test builds check the order and the owner.
 */
struct spinlock {
	u32 next;            /* (A) ticket handed out next */
	u32 owner;           /* (A) ticket being served */
	enum lock_rank rank; /* (I) */
	u32 holder;          /* (A) CPU + 1 that holds it; test builds only */
};

#define SPINLOCK_INIT(r)                                                                           \
	{                                                                                          \
		.rank = (r)                                                                        \
	}
/* Make l free, of that rank. Before anybody else knows it. */
void spin_init(struct spinlock *l, enum lock_rank rank);
/* For data never touched from interrupts. Any but hard interrupt. */
void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
/* Also masks interrupts; restore what lock returned. Any. */
u64 spin_lock_irqsave(struct spinlock *l) tm_must_check;
void spin_unlock_irqrestore(struct spinlock *l, u64 flags);
/* True when this CPU holds it (test builds); always true in release. */
bool spin_held(const struct spinlock *l);
/*
 * In line and not counted in the task, for hot code that has masked interrupts and
 * unmasks them only after spin_drop_masked(). False: others hold it or wait for it,
 * and spin_lock() is for who wants to wait too. Builds with checks or meter wait here.
 */
static inline bool spin_try_masked(struct spinlock *l)
{
	u32 ticket = __atomic_load_n(&l->owner, __ATOMIC_ACQUIRE);

	if (tm_debug || tm_meter) {
		spin_lock(l);
		return true;
	}
	/* It is nobody's exactly while the next ticket is the one being served. */
	return __atomic_compare_exchange_n(&l->next, &ticket, ticket + 1, true, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void spin_drop_masked(struct spinlock *l)
{
	if (tm_debug || tm_meter)
		spin_unlock(l);
	else
		__atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}

/* ---- tasks -------------------------------------------------------------- */

enum {
	TASK_PRIO_LEVELS = 32,
	TASK_PRIO_IDLE = 0,
	TASK_PRIO_DEFAULT = 8, /* of new tasks and the shell */
	TASK_PRIO_MAX = 31,
	TASK_NAME_LEN = 16, /* with the terminator */
};

#define CPUS_ALL (~0ull)
/* A deadline that never comes; so is every one from 2^63 on, which is what a
 * negative number becomes. 0 has always passed. */
#define TM_FOREVER (~0ull)

enum task_state {
	TASK_READY, /* in a run queue */
	TASK_RUNNING,
	TASK_SLEEPING,  /* until its timer */
	TASK_BLOCKED,   /* on a wait queue, with or without timer */
	TASK_SUSPENDED, /* stopped by task_suspend() while it could run; idle task of a CPU
			   that is off */
	TASK_FROZEN,    /* stopped itself, for tasks_freeze() */
	TASK_DEAD,      /* ended; stack and slot about to be reused */
};

struct task; /* rtos/task.h, for rtos/ and debuggers only */

struct task_attr {
	const char *name;   /* copied, cut at 15 characters */
	unsigned int prio;  /* 0..31; TASK_PRIO_DEFAULT when nothing speaks against */
	u64 cpus;           /* allowed CPUs, 0 means all */
	unsigned int flags; /* TASK_FP ... */
};

enum {
	/* May use floating point and SIMD: q0-q31 are saved at every switch, in
	 * 528 bytes of its own stack. Others panic by name when they try. Its code
	 * stands in a file named *.fp.c; kernel calls take no such arguments. */
	TASK_FP = 1 << 0,
	/* Waits for tasks_thaw() at task_try_freeze(), which it calls in its loop. */
	TASK_FREEZABLE = 1 << 1,
	/* task_kill() may end it wherever it could be preempted, not only where it
	 * waits: for tasks that compute on data of their own. Around calls that leave
	 * something behind (a mutex, memory) it puts its end off. */
	TASK_KILL_ANYWHERE = 1 << 2,
};

/*
 * Create and start a task running entry(arg); it ends when entry returns.
 * Its descriptor and guarded stack come from the page allocator. Null when
 * memory ends, prio is out of range, a flag is not known, cpus names no online
 * CPU, or more different CPU masks are in use than there are groups (72). Task
 * or boot.
 */
struct task *task_create(const struct task_attr *attr, void (*entry)(void *), void *arg);
/* End the calling task. Never returns. */
tm_noreturn void task_exit(void);
/* Wait until a task created by anyone has ended, and release it. Task. A task
 * nobody joins is released by task_detach. 0 or ERR_TIMEDOUT. */
int task_join(struct task *t, u64 deadline_ns);
void task_detach(struct task *t);

/*
 * Ask a task to end. It does so by itself, with its own stack and rights: at
 * once when it waits in sem_wait, msgq_*, events_wait, sleep_*, task_join,
 * console_read or work_flush, else when it next comes to such a call or to
 * task_yield or task_check_kill; with TASK_KILL_ANYWHERE wherever it could be
 * preempted. Mutexes it holds go to their next owner, who is told
 * (ERR_OWNERDEAD); everything else is the affair of its cleanups. A suspended
 * or frozen one goes on in order to end. 0, ERR_INVAL (an idle task). Any; of
 * oneself as of others.
 */
int task_kill(struct task *t);
/* Ends the calling task when it was asked to and does not put it off. Task. */
void task_check_kill(void);
/* Whether a task was asked to end, even if it puts that off. Any. */
bool task_killed(const struct task *t);
/* Between these two the calling task puts off its end; nested. Task. */
void task_defer_kill(void);
void task_allow_kill(void);
/* Called when the task ends, latest first, in the task itself and able to sleep.
 * Lies in the caller's memory until popped or called: whoever pushes one in its
 * own frame pops it before it returns. Task. */
struct task_cleanup {
	struct task_cleanup *next; /* (T) */
	void (*fn)(void *arg);
	void *arg;
};
void task_cleanup_push(struct task_cleanup *c, void (*fn)(void *arg), void *arg);
void task_cleanup_pop(bool run); /* the latest; call it if run */

/*
 * Stop a task where it is, until task_resume(): one that runs at the next point
 * where it could be preempted, one that waits stays in its queue and, when
 * woken, does not go on. The call does not wait for that. What it holds it keeps.
 * Suspending twice is suspending once. 0, ERR_INVAL (idle task, dead task, one
 * that was asked to end). Any; of oneself: task, returns when resumed.
 */
int task_suspend(struct task *t);
int task_resume(struct task *t); /* ERR_INVAL: it was not suspended */

/*
 * Row 132. Ask all tasks with TASK_FREEZABLE to stop at their next
 * task_try_freeze(), waking those in waitq_wait_leave(), and wait for them, but
 * neither for the caller nor for suspended ones. 0; or ERR_TIMEDOUT: all go on
 * again and the log names who did not come; ERR_BUSY: they are frozen already, or
 * somebody is about it. Task.
 */
int tasks_freeze(u64 deadline_ns);
void tasks_thaw(void);
/* Stops here while tasks are frozen. True when it was: the world may have
 * changed (kswapd skips one round then). One load when not. Task. */
bool task_try_freeze(void);

/* The calling task; in an interrupt, the one it interrupted. Any. */
struct task *task_current(void);
u32 task_id(const struct task *t); /* as `ps` shows it */
const char *task_name(const struct task *t);
unsigned int task_prio(const struct task *t); /* effective */
/* Change priority or affinity of a task; takes effect at once, and a ready one
 * goes to the tail of its level. Atomic. 0, ERR_INVAL (prio over 31, no allowed CPU
 * online, an idle task), ERR_NOSPC (as task_create: too many masks). */
int task_set_prio(struct task *t, unsigned int prio);
int task_set_cpus(struct task *t, u64 cpus);
void task_yield(void); /* to equals, FIFO. Task. */

/* One line of `ps` and /proc/tasks. */
struct task_info {
	u32 id;
	char name[TASK_NAME_LEN];
	enum task_state state;
	unsigned int prio, base_prio;
	unsigned int cpu; /* last ran on */
	bool idle;        /* what its CPU runs when nothing else is ready */
	u64 cpus;
	u64 run_ns;                 /* CPU time used */
	u64 switches;               /* times switched in */
	u32 stack_used, stack_size; /* bytes; used is the high-water mark, with the
				       registers a TASK_FP task keeps there */
	char waiting_for[TASK_NAME_LEN];
	/* Why prio is above base_prio: name of the queue or mutex whose waiter (or
	 * ceiling) lends it; empty when it is not. */
	char boosted_by[TASK_NAME_LEN];
	bool killed;    /* asked to end */
	bool suspended; /* also while state says that it waits */
	unsigned int flags;
	u32 mutexes; /* held */
};
/* Fill the entry of the task with the smallest id >= *id; false at the end.
 * On true *id is that id. Each call is one bounded step. Task. */
bool task_info_next(u32 *id, struct task_info *info);
/*
 * Call fn with the task of that id, which is not released before fn returns: a
 * spinlock is held, so fn may call what is legal in an atomic section and keeps
 * no pointer. What fn returned, or ERR_NOENT. Task.
 */
int task_call(u32 id, int (*fn)(struct task *t, void *arg), void *arg);

/* What the memory side keeps in the task (mm/task.h). Any. */
struct mm_task;
struct mm_task *task_mm(struct task *t);

/* ---- calls between CPUs -------------------------------------------------- */

/*
 * A call that one CPU makes on others, or on itself, in hard interrupt there:
 * short, masked throughout. Registered once, at boot; at most 8. cpu_call() asks
 * every online CPU of the mask, and goes on; asked again before it ran, it runs
 * once; asked while it runs, once more, in another interrupt. A CPU that goes off
 * runs what it was asked before, or when it is back. Any.
 */
typedef void (*cpu_call_fn)(void);
unsigned int cpu_call_add(cpu_call_fn fn); /* its number. Boot. */
void cpu_call(u64 mask, unsigned int call);

/* ---- scheduler ---------------------------------------------------------- */

/* Preemption off/on for the calling task, nested. Any. */
void preempt_disable(void);
void preempt_enable(void);
/* True when the caller may sleep: task context, nothing held or masked. Any. */
bool may_sleep(void);
bool in_interrupt(void);
/* True once tasks run and blocking is possible (row 62 filters before). */
bool sched_running(void);

unsigned int cpu_id(void); /* of this CPU; stable only with preemption off */
u64 cpus_online(void);     /* mask */
unsigned int cpus_online_count(void);
/* CPU time used while not idle, and all time since start, in ns. Any. */
void cpu_times(unsigned int cpu, u64 *busy_ns, u64 *total_ns);
/*
 * Take a CPU off, or put it back. Off: its tasks go to other CPUs (those tied to
 * it too, until it is back: the log says so), its timers and device interrupts
 * as well, it powers down, then every hook's `down` drains what it left. On: the
 * hooks' `up` run after it takes tasks. 0; ERR_INVAL (no such CPU, already so),
 * ERR_BUSY (the boot CPU, or another call is under way), ERR_NOSYS (the tree's
 * method cannot), ERR_IO (it did not obey within 1 s; logged: it stays in use, or
 * out of use for good), ERR_NOMEM. Task, who cannot be killed meanwhile.
 */
int cpu_off(unsigned int cpu);
int cpu_on(unsigned int cpu);
struct cpu_hook {
	struct list link; /* (hooks) */
	const char *name;
	void (*up)(unsigned int cpu);   /* null: nothing to do */
	void (*down)(unsigned int cpu); /* the CPU is off and touches nothing */
};
/* Both run in the task that calls cpu_off/on, in order of registration (down in
 * reverse), and may sleep. For good. Task or boot. */
void cpu_hook_add(struct cpu_hook *h);

/* 1, 5 and 15 minute load averages, fixed point with 11 fraction bits. Any. */
void sched_loadavg(u32 avg[3]);

/* ---- time ---------------------------------------------------------------- */

static inline u64 time_now_ns(void)
{
	return arch_now_ns();
}

/* Absolute time `ns` from now, saturating at TM_FOREVER. Any. */
u64 time_after_ns(u64 ns);
/* Sleep; at least that long, for ever when it does not fit; woken by nothing
 * else. Task. */
void sleep_ns(u64 ns);
void sleep_ms(u64 ms);
void sleep_until_ns(u64 deadline);

/* ---- messages ------------------------------------------------------------ */

enum log_level {
	LOG_PANIC = 0, /* levels as syslog and Linux loglevel= number them */
	LOG_ERR = 3,
	LOG_WARN = 4,
	LOG_NOTICE = 5,
	LOG_INFO = 6,
	LOG_DEBUG = 7,
};

/*
 * One message to the ring (`dmesg`) and, if its level is below the console's,
 * to the console. Never waits for the UART; a console that falls behind skips
 * messages and says how many. Lines over 240 characters are cut. Any.
 */
void printk(enum log_level level, const char *fmt, ...) tm_printf(2, 3);
#define pr_err(...) printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...) printk(LOG_WARN, __VA_ARGS__)
#define pr_info(...) printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)
/* Copy the ring, oldest first, as `[    s.uuuuuu] text` lines. Task. */
void log_dump(struct out *out);
void log_set_console_level(unsigned int level);
unsigned int log_console_level(void);

/*
 * Stop the system: message, registers, backtrace, current task, zone marks;
 * then power off under panic=-1, reboot after N s under panic=N, else halt.
 * A panic inside a panic prints one line and stops. Any.
 */
tm_noreturn void panic(const char *fmt, ...) tm_printf(1, 2);
/* Entry from a CPU exception the kernel does not recover from. */
tm_noreturn void panic_fault(const char *what);

/* ---- console ------------------------------------------------------------- */

/*
 * A UART as the console core sees it. All calls come with the console lock
 * held and interrupts masked; each does one bounded step (a FIFO's worth).
 */
struct uart {
	const char *name;                  /* (I) "pl011", "ns16550", "bcm2835-aux" ... */
	const struct uart_ops *ops;        /* (I) */
	volatile u8 *regs;                 /* (I) mapped registers */
	phys_t phys;                       /* (I) */
	unsigned int reg_shift, reg_width; /* (I) 8250: spacing, access bytes */
	unsigned int irq;                  /* (I) line, or UART_POLLED */
	bool irq_edge;                     /* (I) */
	unsigned int fifo;                 /* (I) 8250: transmit FIFO depth */
	unsigned int room;                 /* (C) 8250: FIFO places known to be free */
};
enum { UART_POLLED = ~0u };

struct uart_ops {
	/* Prepare; keeps the rate the firmware set. Leaves interrupts off. */
	void (*init)(struct uart *u);
	/* Queue one byte; false when the transmitter is full. */
	bool (*tx)(struct uart *u, u8 c);
	/* True when the last byte has left the shifter (panic, poweroff). */
	bool (*tx_idle)(struct uart *u);
	/* Fetch one byte, or -1. */
	int (*rx)(struct uart *u);
	/* Interrupt sources on or off. */
	void (*irq_enable)(struct uart *u, bool rx, bool tx);
	/* Acknowledge what must be acknowledged. */
	void (*irq_ack)(struct uart *u);
};

/*
 * The hint at Image+0x40, for a tree too broken to name a UART: all zero by
 * default, little endian, filled in by the launch and SD-card tools.
 */
struct uart_hint {
	char type[16]; /* "pl011", "sbsa", "ns16550", "dw-apb", "bcm2835-aux" */
	u64 base;      /* physical address of the registers */
	u32 reg_shift; /* 0 is the type's own */
	u32 reg_width; /* 0 is the type's own */
};
_Static_assert(sizeof(struct uart_hint) == 32, "layout of the Image header");

/*
 * Open the console UART, polled: the hint first (before the tree was looked
 * at), then what stdout-path names, which takes over. 0, ERR_NODEV (nothing
 * named, or a type without a driver: messages stay in the ring), ERR_NOMEM (no
 * room in the early window). The tree's node is remembered by its path, for
 * console_init(). Boot CPU, before the linear map.
 */
struct dt_console;
int console_early_hint(const struct uart_hint *hint);
int console_early_init(const struct dt_console *named);
/* Switch to interrupts once the controller and the parsed tree are there; a
 * UART without a usable line stays polled. Task or boot, once. */
void console_init(void);
/*
 * The message ring has text for the console: sends at most a FIFO's worth now
 * (all of it while the console is polled at boot, or in a panic), the rest by
 * interrupt. Pulls it with log_console_fetch() under LOCK_RANK_CONSOLE, so the
 * caller holds neither that nor the ring's lock. Any.
 */
void console_kick(void);
/*
 * Bytes to the console, \n as \r\n; waits for room in task context, else what
 * does not fit is dropped and counted. Whole lines are sent at once; an
 * unfinished line waits for its end, for a read or for a flush, so that
 * messages come between lines. Any, but with no lock ranked from TTY up.
 */
void console_write(const char *s, size_t n);
/*
 * Read at most n bytes; waits until one is there or the deadline. Bytes read,
 * ERR_TIMEDOUT, or ERR_AGAIN: messages were printed over the unfinished line,
 * the reader may wish to draw it again. Task.
 */
int console_read(char *buf, size_t n, u64 deadline_ns);
/* Ctrl-C was typed since the last clear. It also discards what was typed
 * before it, and is itself read as byte 3, unless the clear comes first and
 * drops it. Any; the clear with no lock ranked from TTY up. */
bool console_interrupted(void);
void console_clear_interrupt(void);
/* Wait until everything written has left the UART, at most the deadline. */
void console_flush(u64 deadline_ns);
/* Panic only: from now on output is polled and takes no lock. */
void console_panic_mode(void);
const struct uart *console_uart(void); /* null: none */
extern struct out console_out;         /* sink for out_printf */

/*
 * Body of the shell task: boot_run() or boot_test() and power off, else the
 * first screen and the prompt, for good. Task, once.
 */
void shell_main(void *arg);

/*
 * A command of the shell and a file below /proc, for whoever has something to
 * say or to be asked. run() and show() are called in the shell's task, one at a
 * time; what run() returns is the command's exit status (0 fine, 1 failed, 2
 * wrong use). Both print: a command to console_out, a file to `out`.
 */
struct command {
	const char *name;                  /* (I) one word */
	const char *args;                  /* (I) as `help` shows them */
	const char *help;                  /* (I) one line */
	int (*run)(int argc, char **argv); /* (I) argv[0] is the name */
	const char *details;               /* (I) more lines for `help NAME`, or null */
};
/*
 * Add one, for good: what is passed is kept, not copied. 0; ERR_EXIST (there is
 * one of that name), ERR_NOSPC (16 are), ERR_INVAL (no name, or one that cannot
 * be typed as a word; a file's has no '/' and at most 40 bytes). Task.
 */
int shell_add_command(const struct command *c);
int proc_add_file(const char *name, void (*show)(struct out *out));

/* ---- boot arguments ------------------------------------------------------ */

/* The command line as given, at most 4095 bytes, control bytes as blanks. */
const char *boot_cmdline(void);
/*
 * Parse the command line: each NAME or NAME=VALUE (double quotes group) is
 * offered to mm_boot_option() and rtos's own table; what neither knows, or
 * finds malformed, gets one warning. Before any memory is handed out.
 */
void boot_args_parse(const char *cmdline);

/* Shell commands to run instead of the prompt (`run=`), suites (`test=`). */
const char *boot_run(void);
const char *boot_test(void);
/* `test_seed=N`: what suites that draw their steps begin from; a constant when
 * nobody gave one. `test_hours=N`: length of the suite `day`; 0: leave it out. */
u64 boot_test_seed(void);
u64 boot_test_hours(void);

/* ---- entry points for arch ----------------------------------------------- */

/* First C of the boot CPU: MMU on, on the boot stack, interrupts masked. */
tm_noreturn void kernel_main(phys_t fdt);
/* First C of a secondary. */
tm_noreturn void secondary_main(unsigned int cpu);
/* The controller's handler calls these with interrupts masked. */
void irq_enter(void);
void irq_dispatch(unsigned int irq);
void irq_exit(void); /* may switch tasks */
void timer_interrupt(void);
void sched_ipi(void);

/* ---- self tests in the Image ---------------------------------------------- */

/* One case of a suite; fail by calling test_fail (returns) or TEST_CHECK. */
struct test_case {
	const char *name;
	void (*fn)(void);
};
struct test_suite {
	const char *name;
	const struct test_case *cases;
	unsigned int nr_cases;
};
void test_fail(const char *file, int line, const char *what, u64 a, u64 b);
/* The same in words: one line that names what broke. Any but hard interrupt. */
void test_report(const char *fmt, ...) tm_printf(1, 2);
/* This case may take longer than the usual 120 s of the machine's time. */
void test_allow_s(u64 seconds);
/* The running case cannot be tried here; the reason is printed. */
void test_skip(const char *reason);
#define TEST_CHECK(cond) TEST_CHECK_VAL(cond, 0, 0)
#define TEST_CHECK_VAL(cond, a, b)                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			test_fail(__FILE__, __LINE__, #cond, (u64)(a), (u64)(b));                  \
	} while (0)
/* Run the suites whose names match, as KTAP on the console. Failed cases; a
 * pattern that matches none counts as one failure and says so. Task. */
unsigned int tests_run(const char *pattern);

#endif
