// SPDX-License-Identifier: Apache-2.0
/*
 * `panic`: stop the kernel, by a call or by a fault planted on purpose, so that
 * a person and a test can see what each kind looks like on the console. None of
 * these returns; a fault that is not caught ends in a panic that says so.
 */
#include "rtos/shell/shell.h"
#include "mm/mm.h"

static tm_noinline void read_null(void)
{
	volatile uintptr_t nowhere = 0;

	(void)*(volatile u64 *)nowhere;
}

/* Each call needs its frame after the deeper one returned, so none is reused. */
static tm_noinline u64 use_up_stack(u64 depth)
{
	volatile u64 frame[64];

	frame[depth % 64] = depth;
	if (depth < ~0ull)
		frame[0] = use_up_stack(depth + 1);
	return frame[depth % 64];
}

static void overflow_stack(void)
{
	(void)use_up_stack(0);
}

static void write_text(void)
{
	volatile u32 *code = (volatile u32 *)(uintptr_t)&cmd_panic;

	*code = 0;
}

static void run_data(void)
{
	static u32 ret_instruction = 0xd65f03c0;
	void (*volatile go)(void) = (void (*)(void))(uintptr_t)&ret_instruction;

	go();
}

static void undefined_instruction(void)
{
	arch_undefined_instruction();
}

static void broken_rule(void)
{
	volatile u64 one = 1;

	BUG_ON_VAL(one == 1, one, 2);
}

static void deep(void *arg)
{
	(void)arg;
	overflow_stack();
}

/* In a task of its own, on the last CPU. */
static void overflow_in_task(const char *name, unsigned int flags)
{
	const struct task_attr attr = {
		.name = name,
		.prio = TASK_PRIO_MAX,
		.cpus = 1ull << (fls_u64(cpus_online()) - 1),
		.flags = flags,
	};
	struct task *t = task_create(&attr, deep, NULL);

	if (t)
		(void)task_join(t, time_after_ns(1000000000));
}

static void overflow_plain_task(void)
{
	overflow_in_task("deep", 0);
}

static void overflow_fp_task(void)
{
	overflow_in_task("deep-fp", TASK_FP);
}

static void use_fp(void)
{
	(void)crash_fp(time_now_ns());
}

/* ---- broken rules of the page allocator ---------------------------------------- */

/* Caught in test builds; a release refuses the second free and says so. */
static tm_noinline void free_twice(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);

	if (!page)
		return;
	free_pages(page, 0);
	free_pages(page, 0);
}

/* Caught in test builds, when the page is handed out again: the next time. */
static tm_noinline void write_after_free(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);

	if (!page)
		return;
	preempt_disable();
	free_pages(page, 0);
	*(volatile u64 *)page_address(page) = 0x5a5a;
	(void)alloc_pages(GFP_NOWAIT, 0);
	preempt_enable();
}

/* Under debug_guardpage_minorder= only: else that page is somebody's. */
static tm_noinline void write_beside(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	struct page *beside = page ? pfn_to_page(pfn_make(page_to_pfn(page).v ^ 1)) : NULL;

	if (beside && (beside->flags & 0xf) == PAGE_GUARD)
		*(volatile u64 *)page_address(beside) = 0x5a5a;
}

static const struct {
	const char *name;
	void (*plant)(void);
} faults[] = {
	{ "null", read_null },
	{ "stack", overflow_stack },
	{ "stack-task", overflow_plain_task },
	{ "stack-fp", overflow_fp_task },
	{ "text", write_text },
	{ "exec", run_data },
	{ "undefined", undefined_instruction },
	{ "fp", use_fp },
	{ "bug", broken_rule },
	{ "free-twice", free_twice },
	{ "after-free", write_after_free },
	{ "guard", write_beside },
};

int cmd_panic(int argc, char **argv)
{
	char text[128];
	struct out_buf ob;

	for (unsigned int i = 0; argc == 2 && i < ARRAY_SIZE(faults); i++) {
		if (strcmp(argv[1], faults[i].name) != 0)
			continue;
		faults[i].plant();
		panic("the planted fault '%s' was not caught", argv[1]);
	}
	out_buf_init(&ob, text, sizeof(text));
	for (int i = 1; i < argc; i++)
		out_printf(&ob.out, " %s", argv[i]);
	panic("asked for on the console%s%s", argc > 1 ? ":" : "", text);
}
