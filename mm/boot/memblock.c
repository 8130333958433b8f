/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot memory. Two tables of ranges (RAM, reservations), each a sorted array
 * that moves into boot memory and doubles when it is full. Every change first
 * makes room, which may itself allocate, and only then looks for its place:
 * nothing is half done when memory ends, because memory ending is a panic.
 *
 * Knows nothing of the device tree, of zones, or of why somebody reserves.
 * Worst case of one call is linear in the tables; walks are linear in total.
 */
#include "mm/boot/memblock.h"

#include "rtos/rtos.h"

enum {
	INITIAL_REGIONS = 128, /* 4 KiB a table; two dozen are usual */
	ROOM_TO_SPLIT = 2,     /* entries any single edit can add beyond its gaps */
};

struct table {
	struct mem_region *r;
	u32 nr, max;
	phys_t place; /* of r when it was grown; {0}: the initial array */
	const char *name;
};

static struct mem_region initial_memory[INITIAL_REGIONS] tm_initbss;
static struct mem_region initial_reserved[INITIAL_REGIONS] tm_initbss;
static struct table memory, reserved;
static const u8 (*distances)[MAX_NODES];
static memblock_guard_t grow_guard;
static bool linear_map_ready, retired;

static bool alloc_place(const struct memblock_request *rq, memblock_guard_t guard, phys_t *place);

tm_init void memblock_init(void)
{
	memory = (struct table){ initial_memory, 0, INITIAL_REGIONS, { 0 }, "memory" };
	reserved = (struct table){ initial_reserved, 0, INITIAL_REGIONS, { 0 }, "reserved" };
	distances = NULL;
	grow_guard = NULL;
	linear_map_ready = false;
	retired = false;
}

static tm_init void assert_alive(void)
{
	BUG_ON(retired);
	BUG_ON(!memory.r || !reserved.r);
}

/* ---- tables -------------------------------------------------------------- */

/* First entry that ends above addr; nr when there is none. */
static tm_init u32 find_above(const struct table *t, u64 addr)
{
	u32 lo = 0, hi = t->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (t->r[mid].end.v > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static tm_init void insert_at(struct table *t, u32 i, const struct mem_region *r)
{
	BUG_ON_VAL(t->nr >= t->max, t->nr, t->max);
	BUG_ON_VAL(i > t->nr, i, t->nr);
	BUG_ON_VAL(r->start.v >= r->end.v, r->start.v, r->end.v);
	memmove(&t->r[i + 1], &t->r[i], (t->nr - i) * sizeof(t->r[0]));
	t->r[i] = *r;
	t->nr++;
}

static tm_init void delete_from(struct table *t, u32 i, u32 count)
{
	BUG_ON_VAL(i + count > t->nr, i, count);
	memmove(&t->r[i], &t->r[i + count], (t->nr - i - count) * sizeof(t->r[0]));
	t->nr -= count;
}

/* Two touching entries that tell nothing apart. */
static tm_init bool mergeable(const struct mem_region *a, const struct mem_region *b)
{
	return a->end.v == b->start.v && a->node == b->node && a->flags == b->flags &&
	       a->reason == b->reason && (a->name == b->name || !strcmp(a->name, b->name));
}

/* Restore the merge rule around entries [from, to). */
static tm_init void merge_around(struct table *t, u32 from, u32 to)
{
	u32 out = from ? from - 1 : 0;
	u32 last = to < t->nr ? to + 1 : t->nr;

	if (out >= last)
		return;
	for (u32 i = out + 1; i < last; i++) {
		if (mergeable(&t->r[out], &t->r[i]))
			t->r[out].end = t->r[i].end;
		else
			t->r[++out] = t->r[i];
	}
	delete_from(t, out + 1, last - out - 1);
}

/* Entry that keeps what is common and covers [start, end). */
static tm_init struct mem_region part_of(const struct mem_region *model, u64 start, u64 end)
{
	struct mem_region r = *model;

	r.start = phys_make(start);
	r.end = phys_make(end);
	return r;
}

/* Number of gaps that [start, end) has in the table. */
static tm_init u32 count_gaps(const struct table *t, u64 start, u64 end)
{
	u32 gaps = 0;

	for (u32 i = find_above(t, start); start < end; i++) {
		u64 next = i < t->nr ? t->r[i].start.v : end;

		if (next > start)
			gaps++;
		if (i == t->nr || next >= end)
			break;
		start = t->r[i].end.v;
	}
	return gaps;
}

/* Cover with `model` what of its range the table does not have. Needs room. */
static tm_init void cover_gaps(struct table *t, const struct mem_region *model)
{
	u64 start = model->start.v, end = model->end.v;
	u32 first = find_above(t, start), i = first;

	while (start < end) {
		u64 next = i < t->nr ? min_u64(t->r[i].start.v, end) : end;

		if (next > start) {
			struct mem_region gap = part_of(model, start, next);

			insert_at(t, i, &gap);
			i++;
		}
		if (next == end)
			break;
		start = t->r[i].end.v;
		i++;
	}
	merge_around(t, first, i);
}

/*
 * Split so that no entry crosses start or end; entries [*first, *last) are then
 * exactly what lies inside. Needs room for two.
 */
static tm_init void isolate(struct table *t, u64 start, u64 end, u32 *first, u32 *last)
{
	u32 i = find_above(t, start);

	if (i < t->nr && t->r[i].start.v < start) {
		struct mem_region low = part_of(&t->r[i], t->r[i].start.v, start);

		t->r[i].start = phys_make(start);
		insert_at(t, i, &low);
		i++;
	}
	*first = i;
	while (i < t->nr && t->r[i].end.v <= end)
		i++;
	if (i < t->nr && t->r[i].start.v < end) {
		struct mem_region inside = part_of(&t->r[i], t->r[i].start.v, end);

		t->r[i].start = phys_make(end);
		insert_at(t, i, &inside);
		i++;
	}
	*last = i;
}

/* ---- growth -------------------------------------------------------------- */

static tm_init void *table_address(phys_t place, u64 nr_bytes)
{
	void *p = linear_map_ready ? phys_to_virt(place)
				   : arch_early_map(place, nr_bytes, ARCH_PROT_RW);

	if (!p)
		panic("memblock: the early window is full (%llu bytes more wanted)",
		      (unsigned long long)nr_bytes);
	return p;
}

/* Move the table to a new place that holds `max` entries. */
static tm_init void move_table(struct table *t, u32 max)
{
	u64 nr_bytes = align_up((u64)max * sizeof(t->r[0]), PAGE_SIZE);
	struct memblock_request rq = { .nr_bytes = nr_bytes, .node = MEMBLOCK_ANY_NODE };
	phys_t old = t->place;
	u64 old_bytes = align_up((u64)t->max * sizeof(t->r[0]), PAGE_SIZE);
	struct mem_region *to;
	phys_t place;

	if (!alloc_place(&rq, grow_guard, &place))
		panic("memblock: no room to grow the %s table to %u ranges", t->name, max);
	to = table_address(place, nr_bytes);
	memcpy(to, t->r, t->nr * sizeof(t->r[0]));
	t->r = to;
	t->max = max;
	t->place = place;
	cover_gaps(&reserved, &(struct mem_region){ .start = place,
						    .end = phys_make(place.v + nr_bytes),
						    .node = MEMBLOCK_ANY_NODE,
						    .reason = MEM_BOOT,
						    .name = "memblock" });
	if (old.v)
		memblock_free(old, phys_make(old.v + old_bytes));
}

/*
 * Room for n more entries. A table's own new place is a reservation, so the
 * reserved table always keeps enough spare for that.
 */
static tm_init void make_room(struct table *t, u32 n)
{
	while (reserved.nr + 2 * ROOM_TO_SPLIT + (t == &reserved ? n : 0) > reserved.max)
		move_table(&reserved, reserved.max * 2);
	while (t->nr + n > t->max)
		move_table(t, t->max * 2);
}

/* ---- building ------------------------------------------------------------ */

static tm_init void table_add(struct table *t, const struct mem_region *model)
{
	assert_alive();
	BUG_ON_VAL(model->start.v > model->end.v, model->start.v, model->end.v);
	if (model->start.v == model->end.v)
		return;
	make_room(t, count_gaps(t, model->start.v, model->end.v) + ROOM_TO_SPLIT);
	cover_gaps(t, model);
}

static tm_init void table_remove(struct table *t, phys_t start, phys_t end)
{
	u32 first, last;

	assert_alive();
	BUG_ON_VAL(start.v > end.v, start.v, end.v);
	if (start.v == end.v)
		return;
	make_room(t, ROOM_TO_SPLIT);
	isolate(t, start.v, end.v, &first, &last);
	delete_from(t, first, last - first);
}

tm_init void memblock_add(phys_t start, phys_t end, u32 node)
{
	BUG_ON_VAL(node > MEMBLOCK_ANY_NODE, node, start.v);
	table_add(&memory,
		  &(struct mem_region){ .start = start, .end = end, .node = node, .name = "" });
}

tm_init void memblock_remove(phys_t start, phys_t end)
{
	table_remove(&memory, start, end);
}

tm_init bool memblock_reserve(phys_t start, phys_t end, enum mem_reason reason, const char *name)
{
	bool fresh = !memblock_reserved_inside(start, end, NULL);

	BUG_ON(!name || reason >= NR_MEM_REASONS);
	table_add(&reserved, &(struct mem_region){ .start = start,
						   .end = end,
						   .node = MEMBLOCK_ANY_NODE,
						   .reason = reason,
						   .name = name });
	return fresh;
}

tm_init void memblock_free(phys_t start, phys_t end)
{
	table_remove(&reserved, start, end);
}

tm_init void memblock_set_node(phys_t start, phys_t end, u32 node)
{
	u32 first, last;

	assert_alive();
	BUG_ON_VAL(node > MEMBLOCK_ANY_NODE, node, start.v);
	BUG_ON_VAL(start.v > end.v, start.v, end.v);
	make_room(&memory, ROOM_TO_SPLIT);
	isolate(&memory, start.v, end.v, &first, &last);
	for (u32 i = first; i < last; i++)
		memory.r[i].node = node;
	merge_around(&memory, first, last);
}

tm_init void memblock_set_flags(phys_t start, phys_t end, u16 flags)
{
	u32 first, last;

	assert_alive();
	BUG_ON_VAL(start.v > end.v, start.v, end.v);
	/* Else one frame would be half mapped. */
	BUG_ON_VAL((flags & MEMBLOCK_NOMAP) && !is_aligned(start.v | end.v, PAGE_SIZE), start.v,
		   end.v);
	make_room(&memory, ROOM_TO_SPLIT);
	isolate(&memory, start.v, end.v, &first, &last);
	for (u32 i = first; i < last; i++)
		memory.r[i].flags |= flags;
	merge_around(&memory, first, last);
}

tm_init void memblock_trim(void)
{
	u32 kept = 0;

	assert_alive();
	for (u32 i = 0; i < memory.nr; i++) {
		struct mem_region r = memory.r[i];

		r.start = pfn_to_phys(phys_to_pfn_up(r.start));
		r.end = pfn_to_phys(phys_to_pfn_down(r.end));
		if (r.start.v < r.end.v)
			memory.r[kept++] = r;
	}
	memory.nr = kept;
}

tm_init void memblock_set_distances(const u8 (*distance)[MAX_NODES])
{
	assert_alive();
	distances = distance;
}

tm_init void memblock_set_guard(memblock_guard_t guard)
{
	assert_alive();
	grow_guard = guard;
}

tm_init void memblock_move_names(const char *from, u64 nr_bytes, const char *to)
{
	assert_alive();
	for (u32 i = 0; i < reserved.nr; i++) {
		const char *name = reserved.r[i].name;

		if (name >= from && name < from + nr_bytes)
			reserved.r[i].name = to + (name - from);
	}
}

/* ---- allocation ---------------------------------------------------------- */

/* Highest place for the request inside the gap [start, end); 0: none. */
static tm_init u64 fit_in_gap(const struct memblock_request *rq, memblock_guard_t guard, u64 start,
			      u64 end)
{
	while (end > start && end - start >= rq->nr_bytes) {
		u64 at = align_down(end - rq->nr_bytes, rq->align);
		phys_t below;

		if (at < start)
			return 0;
		if (!guard || guard(phys_make(at), phys_make(at + rq->nr_bytes), &below))
			return at;
		BUG_ON_VAL(below.v >= at + rq->nr_bytes, below.v, at);
		end = below.v;
	}
	return 0;
}

/* Look on one node, or on all for ANY_NODE, from the top down, in RAM with none
 * of the flags `avoid`; 0: none. */
static tm_init u64 fit_on_node(const struct memblock_request *rq, u32 node, u16 avoid,
			       memblock_guard_t guard)
{
	/* Frame 0 is never handed out, so that 0 can mean "none". */
	u64 min = max_u64(rq->min.v, PAGE_SIZE);
	u64 max = rq->max.v ? rq->max.v : MEMBLOCK_ANYWHERE;
	u32 r = reserved.nr;

	for (u32 m = memory.nr; m--;) {
		const struct mem_region *ram = &memory.r[m];
		u64 start = max_u64(ram->start.v, min);
		u64 end = min_u64(ram->end.v, max);

		if ((ram->flags & avoid) || (node != MEMBLOCK_ANY_NODE && ram->node != node))
			continue;
		while (end > start) {
			u64 gap, at;

			while (r && reserved.r[r - 1].start.v >= end)
				r--;
			gap = r ? max_u64(start, reserved.r[r - 1].end.v) : start;
			at = gap < end ? fit_in_gap(rq, guard, gap, end) : 0;
			if (at)
				return at;
			if (!r || reserved.r[r - 1].end.v <= start)
				break;
			end = reserved.r[r - 1].start.v;
		}
	}
	return 0;
}

static tm_init u64 nodes_with_ram(void)
{
	u64 mask = 0;

	for (u32 i = 0; i < memory.nr; i++) {
		if (memory.r[i].node < MAX_NODES)
			mask |= 1ull << memory.r[i].node;
	}
	return mask;
}

/* Nearest node of the mask, the lowest id among equals. The mask is not 0. */
static tm_init u32 nearest(u32 from, u64 mask)
{
	u32 best = MAX_NODES;

	for (u32 n = 0; n < MAX_NODES; n++) {
		if (!(mask >> n & 1))
			continue;
		if (best == MAX_NODES || distances[from][n] < distances[from][best])
			best = n;
	}
	BUG_ON(best == MAX_NODES);
	return best;
}

/* On the wanted node, then on the others by distance; 0: none. */
static tm_init u64 fit_by_distance(const struct memblock_request *rq, u16 avoid,
				   memblock_guard_t guard)
{
	u64 at = fit_on_node(rq, rq->node, avoid, guard);
	u64 mask = at || rq->strict || !distances || rq->node >= MAX_NODES
			   ? 0
			   : nodes_with_ram() & ~(1ull << rq->node);

	while (!at && mask) {
		u32 node = nearest(rq->node, mask);

		mask &= ~(1ull << node);
		at = fit_on_node(rq, node, avoid, guard);
	}
	/* RAM that belongs to no node yet, or no distances to go by. */
	if (!at && !rq->strict)
		at = fit_on_node(rq, MEMBLOCK_ANY_NODE, avoid, guard);
	return at;
}

static tm_init bool alloc_place(const struct memblock_request *wish, memblock_guard_t guard,
				phys_t *place)
{
	struct memblock_request rq = *wish;
	u64 at;

	rq.align = max_u64(rq.align, PAGE_SIZE);
	rq.nr_bytes = align_up(rq.nr_bytes, PAGE_SIZE);
	BUG_ON_VAL(!is_pow2(rq.align), rq.align, 0);
	BUG_ON_VAL(!rq.nr_bytes || rq.nr_bytes < wish->nr_bytes, wish->nr_bytes, 0);

	/* What stays for good keeps RAM from being taken away: last resort. */
	at = fit_by_distance(&rq, MEMBLOCK_NOMAP | MEMBLOCK_HOTPLUG, guard);
	if (!at && !rq.strict)
		at = fit_by_distance(&rq, MEMBLOCK_NOMAP, guard);
	*place = phys_make(at);
	return at != 0;
}

tm_init phys_t memblock_alloc(const struct memblock_request *rq)
{
	phys_t place;

	assert_alive();
	BUG_ON(rq->reason >= NR_MEM_REASONS || !rq->name);
	make_room(&reserved, ROOM_TO_SPLIT);
	if (!alloc_place(rq, NULL, &place))
		return phys_make(0);
	memblock_reserve(place, phys_make(place.v + align_up(rq->nr_bytes, PAGE_SIZE)), rq->reason,
			 rq->name);
	return place;
}

tm_init void *memblock_alloc_zeroed(u64 nr_bytes, u32 node, enum mem_reason reason,
				    const char *name)
{
	struct memblock_request rq = {
		.nr_bytes = nr_bytes, .node = node, .reason = reason, .name = name
	};
	phys_t place = memblock_alloc(&rq);

	if (!place.v)
		panic("out of boot memory: %llu bytes for %s", (unsigned long long)nr_bytes, name);
	return memset(table_address(place, nr_bytes), 0, nr_bytes);
}

tm_init void memblock_use_linear_map(void)
{
	assert_alive();
	BUG_ON(linear_map_ready);
	linear_map_ready = true;
	make_room(&reserved, ROOM_TO_SPLIT);
	/* A table that grew early may lie in RAM given up since: move it. */
	if (memory.place.v)
		move_table(&memory, memory.max);
	if (reserved.place.v)
		move_table(&reserved, reserved.max);
}

tm_init bool memblock_linear_map_ready(void)
{
	return linear_map_ready;
}

/* ---- walking ------------------------------------------------------------- */

/* Whole frames of [start, end); false when there are none. */
static tm_init bool span_of(struct memblock_span *s, u64 start, u64 end, const struct mem_region *r)
{
	s->start = phys_to_pfn_up(phys_make(start));
	s->end = phys_to_pfn_down(phys_make(end));
	s->node = r->node;
	s->flags = r->flags;
	return s->start.v < s->end.v;
}

tm_init bool memblock_next_memory(struct memblock_cursor *c, struct memblock_span *span)
{
	assert_alive();
	while (c->memory < memory.nr) {
		const struct mem_region *r = &memory.r[c->memory++];

		if (span_of(span, r->start.v, r->end.v, r))
			return true;
	}
	return false;
}

tm_init bool memblock_next_free(struct memblock_cursor *c, struct memblock_span *span)
{
	assert_alive();
	while (c->memory < memory.nr) {
		const struct mem_region *ram = &memory.r[c->memory];
		u64 start = max_u64(c->pos.v, ram->start.v), end = ram->end.v;

		if ((ram->flags & MEMBLOCK_NOMAP) || start >= end) {
			c->memory++;
			continue;
		}
		while (c->reserved < reserved.nr && reserved.r[c->reserved].end.v <= start)
			c->reserved++;
		if (c->reserved < reserved.nr) {
			const struct mem_region *r = &reserved.r[c->reserved];

			if (r->start.v <= start) {
				c->pos = r->end;
				continue;
			}
			end = min_u64(end, r->start.v);
		}
		c->pos = phys_make(end);
		if (span_of(span, start, end, ram))
			return true;
	}
	return false;
}

tm_init bool memblock_next_reserved(struct memblock_cursor *c, struct mem_region *r)
{
	assert_alive();
	if (c->reserved >= reserved.nr)
		return false;
	*r = reserved.r[c->reserved++];
	return true;
}

static tm_init u64 bytes_inside(const struct table *t, u64 start, u64 end)
{
	u64 sum = 0;

	assert_alive();
	for (u32 i = find_above(t, start); i < t->nr && t->r[i].start.v < end; i++)
		sum += min_u64(t->r[i].end.v, end) - max_u64(t->r[i].start.v, start);
	return sum;
}

tm_init u64 memblock_memory_bytes(void)
{
	return bytes_inside(&memory, 0, MEMBLOCK_ANYWHERE);
}

tm_init u64 memblock_reserved_bytes(void)
{
	return bytes_inside(&reserved, 0, MEMBLOCK_ANYWHERE);
}

tm_init u64 memblock_memory_inside(phys_t start, phys_t end)
{
	return bytes_inside(&memory, start.v, end.v);
}

tm_init bool memblock_is_no_map(phys_t p)
{
	u32 i = find_above(&memory, p.v);

	assert_alive();
	return i < memory.nr && memory.r[i].start.v <= p.v && (memory.r[i].flags & MEMBLOCK_NOMAP);
}

tm_init u64 memblock_reserved_inside(phys_t start, phys_t end, const char **name)
{
	u64 sum = bytes_inside(&reserved, start.v, end.v);

	if (name && sum)
		*name = reserved.r[find_above(&reserved, start.v)].name;
	return sum;
}

tm_init phys_t memblock_start(void)
{
	assert_alive();
	return memory.nr ? memory.r[0].start : phys_make(0);
}

tm_init phys_t memblock_end(void)
{
	assert_alive();
	return memory.nr ? memory.r[memory.nr - 1].end : phys_make(0);
}

/* ---- the end ------------------------------------------------------------- */

tm_init void memblock_retire(void)
{
	assert_alive();
	memblock_check();
	retired = true;
}

bool memblock_retired(void)
{
	return retired;
}

static tm_init void check_table(const struct table *t)
{
	BUG_ON_VAL(t->nr > t->max, t->nr, t->max);
	for (u32 i = 0; i < t->nr; i++) {
		const struct mem_region *r = &t->r[i];

		BUG_ON_VAL(r->start.v >= r->end.v, r->start.v, r->end.v);
		BUG_ON_VAL(!r->name, r->start.v, i);
		if (!i)
			continue;
		BUG_ON_VAL(r[-1].end.v > r->start.v, r[-1].end.v, r->start.v);
		BUG_ON_VAL(mergeable(&r[-1], r), r[-1].start.v, r->start.v);
	}
}

tm_init void memblock_check(void)
{
	assert_alive();
	check_table(&memory);
	check_table(&reserved);
}
