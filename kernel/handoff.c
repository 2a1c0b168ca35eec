// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last moment of this kernel: machine_kexec(), with every other CPU stopped,
 * for a normal kexec and for a crash.
 *
 *   P  what the tracker holds	E  what the next kernel may write
 *
 * P and E must have nothing in common at the jump.  Otherwise there is no
 * jump: the machine is reset through its firmware, which cleans all memory.
 *
 *   normal	E is all memory: every tracked page is rewritten.
 *   crash	E is what the capture kernel runs in: normally no tracked page is
 *		there.  The others are left alone.
 *
 * The caches, before anything is rewritten: on the way to a normal kexec the
 * kernel flushed those of every CPU when it stopped them, as they had done
 * SEAMCALLs; in own mode own.c did.  In a crash it does not; crash_cpus.c does,
 * where it matters.  This CPU's are flushed here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/pfn.h>
#include <asm/special_insns.h>

#include "compat.h"
#include "coverage.h"
#include "tdx_reset.h"

/**
 * struct handoff - one hand-off
 * @image: what the kernel is about to jump to
 * @name: "kexec" or "crash"
 * @pages: the tracker's, before
 * @scrubbed: of them, rewritten here
 * @left: of them, in E and not clean
 * @refused: why there is no jump, or NULL
 */
struct handoff {
	const struct kimage *image;
	const char *name;
	u64 pages;
	u64 scrubbed;
	u64 left;
	const char *refused;
};

static bool any_tracked(u64 pfn, u64 nr)
{
	struct tracker_range range;

	return tracker_next(&tracker, pfn, pfn + nr, &range);
}

static u64 count_tracked(u64 pfn, u64 nr)
{
	struct tracker_range range = { .pfn = pfn };
	u64 end = pfn + nr, count = 0;

	while (tracker_next(&tracker, range.pfn + range.nr, end, &range))
		count += range.nr;
	return count;
}

static bool segment_tracked(const struct kexec_segment *segment)
{
	u64 first = PFN_DOWN(segment->mem), end = PFN_UP(segment->mem + segment->memsz);

	return any_tracked(first, end - first);
}

/**
 * handoff_image_tracked - does the next kernel lie on tracked pages?
 * @image: of a normal kexec
 *
 * Such a page is normal memory in truth, or the image would be lost already;
 * rewriting it would lose it for certain.  Never so, unless the tracker kept a
 * page for too long.
 *
 * Context: any.
 */
bool handoff_image_tracked(const struct kimage *image)
{
	const void *tables[] = {
		image->arch.p4d, image->arch.pud, image->arch.pmd, image->arch.pte,
	};
	const kimage_entry_t *ptr = &image->head;
	struct page *page;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		if (tables[i] && tracker_test(&tracker, PHYS_PFN(__pa(tables[i]))))
			return true;

	list_for_each_entry(page, &image->control_pages, lru)
		if (any_tracked(page_to_pfn(page), 1ULL << page_private(page)))
			return true;

	/* They are where they belong, and not in the list of what is moved there. */
	for (i = 0; i < image->nr_segments; i++)
		if (compat_segment_in_cma(image, i) && segment_tracked(&image->segment[i]))
			return true;

	while (*ptr && !(*ptr & IND_DONE)) {
		kimage_entry_t entry = *ptr;

		if ((entry & (IND_INDIRECTION | IND_SOURCE)) &&
		    tracker_test(&tracker, PFN_DOWN(entry)))
			return true;
		if (entry & IND_INDIRECTION)
			ptr = phys_to_virt(entry & PAGE_MASK);
		else
			ptr++;
	}
	return false;
}

/* Segments of a crash image lie in E already, loaded. */
static bool segments_tracked(const struct kimage *image)
{
	unsigned long i;

	for (i = 0; i < image->nr_segments; i++)
		if (segment_tracked(&image->segment[i]))
			return true;
	return false;
}

/*
 * Does the tracker know enough?  Not needed when TDX owns nothing, because
 * TDH.SYS.DISABLE succeeded while no page was on its way back (then the tracker
 * is empty).
 *
 * Here and below the bits decide, not the tracker's count: a CPU may have been
 * stopped for ever between the two.
 */
static bool knows_enough(void)
{
	if (coverage_complete())
		return true;
	return READ_ONCE(tdx_state) == TDX_DISABLED && coverage_healed_by_disable() &&
	       !any_tracked(0, U64_MAX);
}

static void refuse(struct handoff *handoff, const char *why)
{
	handoff->left = handoff->pages;
	handoff->refused = why;
}

static void refuse_unflushed(struct handoff *handoff)
{
	refuse(handoff, "the caches of other CPUs were not flushed");
}

static void scrub_everything(struct handoff *handoff)
{
	struct scrub_progress progress = { .total = handoff->pages };

	if (!any_tracked(0, U64_MAX))
		return;
	if (handoff_image_tracked(handoff->image)) {
		refuse(handoff, "the next kernel's image lies on tracked pages");
		return;
	}
	if (handoff->image->type != KEXEC_TYPE_CRASH && !own_caches_flushed()) {
		refuse_unflushed(handoff);
		return;
	}
	wbinvd();
	scrub_progress_begin(&progress);
	handoff->scrubbed = scrub_tracked(0, U64_MAX, true, &progress);
	handoff->left = count_tracked(0, U64_MAX);
	if (handoff->left)
		handoff->refused = "pages could not be rewritten";
}

static void normal(struct handoff *handoff)
{
	if (!knows_enough()) {
		refuse(handoff, coverage_reason());
		return;
	}
	if (handoff->image->preserve_context &&
	    (any_tracked(0, U64_MAX) || users_registered())) {
		refuse(handoff, "a kexec that comes back would find its TDX memory cleared");
		return;
	}
	scrub_everything(handoff);
}

/* Their caches may still bring back what is rewritten here. */
static void refuse_noisy(struct handoff *handoff)
{
	refuse(handoff, "CPUs did not stop, so their caches are not flushed");
}

static void crash(struct handoff *handoff)
{
	struct tracker_range range;
	unsigned int i = 0;

	if (segments_tracked(handoff->image)) {
		refuse(handoff, "the capture kernel's image lies on tracked pages");
		return;
	}
	/*
	 * A reservation was never in the page allocator, so what is not tracked
	 * there is normal, whatever the coverage.  A CMA area was; and an earlier
	 * kernel may have had its TDs where the reservation is now.
	 */
	if ((crash_memory_has_cma() || coverage_lost(COVERAGE_FOREIGN_TDX)) &&
	    !knows_enough()) {
		refuse(handoff, coverage_reason());
		return;
	}
	/* Unknown E: as if it were all. */
	if (!crash_memory_known(handoff->image)) {
		if (any_tracked(0, U64_MAX) && !crash_cpus_quiet())
			refuse_noisy(handoff);
		else
			normal(handoff);
		return;
	}
	if (crash_memory_tracked() && !crash_cpus_quiet()) {
		refuse_noisy(handoff);
		return;
	}
	while (crash_memory_next(&i, &range)) {
		if (!any_tracked(range.pfn, range.nr))
			continue;
		if (!handoff->scrubbed)
			wbinvd();
		handoff->scrubbed += scrub_tracked(range.pfn, range.pfn + range.nr,
						   true, NULL);
		handoff->left += count_tracked(range.pfn, range.nr);
	}
	if (handoff->left)
		handoff->refused = "pages of the capture kernel's memory could not be rewritten";
}

/*
 * Without the erratum nothing is rewritten: who writes a private line makes it
 * normal.  Only no cache may bring one back later.  Linux flushes all of them on
 * the way to a kexec, if it is the host of TDX; before a crash's jump it does not.
 */
static void nothing_cached(struct handoff *handoff)
{
	if (handoff->image->type != KEXEC_TYPE_CRASH) {
		if (any_tracked(0, U64_MAX) && !own_caches_flushed())
			refuse_unflushed(handoff);
		return;
	}
	if (!crash_memory_wants_flush())
		return;
	wbinvd();
	if (!crash_cpus_quiet())
		refuse_noisy(handoff);
}

static notrace void machine_kexec_entry(unsigned long ip,
					unsigned long parent_ip,
					struct ftrace_ops *ops,
					struct ftrace_regs *regs)
{
	const struct kimage *image = (void *)ftrace_regs_get_argument(regs, 0);
	struct handoff handoff = {
		.image = image,
		.name = image->type == KEXEC_TYPE_CRASH ? "crash" : "kexec",
		.pages = tracker_count(&tracker),
	};
	u64 start = ktime_get_mono_fast_ns();
	const char *user;
	u64 before, ns;

	/* A user that slept may have left them on. */
	local_irq_disable();
	if (!image->preserve_context) {
		firmware_reset_armed(handoff.name);
		own_close();
	}
	watch_account();
	/* Not if it is to come back: they would lose what they still need. */
	user = image->preserve_context ? NULL : users_call(image);
	if (!platform.erratum)
		nothing_cached(&handoff);
	else if (image->type == KEXEC_TYPE_CRASH)
		crash(&handoff);
	else
		normal(&handoff);
	if (platform.erratum && user && !handoff.refused)
		handoff.refused = "a registered module's memory is not normal (its name is above)";
	before = scrub_parallel_done(&ns);
	handoff.pages += before;
	handoff.scrubbed += before;

	/* Urgent enough for a console that was told to be quiet. */
	pr_crit("hand-off: %s: %llu private pages, %llu scrubbed, %llu left, %llu us\n",
		handoff.name, handoff.pages, handoff.scrubbed, handoff.left,
		(ktime_get_mono_fast_ns() - start + ns) / NSEC_PER_USEC);
	if (handoff.refused) {
		pr_emerg("hand-off: %s refused: %s; resetting through firmware instead\n",
			 handoff.name, handoff.refused);
		firmware_reset();
	}
	if (platform.own && !image->preserve_context)
		platform_vmx_off();
}

/*
 * Permanent: the sysctl kernel.ftrace_enabled cannot switch it off.  Without
 * FTRACE_OPS_FL_RECURSION ftrace calls it directly; with it, a crash inside
 * another tracer's callback would be taken for recursion and skip it.  While
 * somebody else traces machine_kexec() as well, ftrace calls both from a list,
 * with its own look for recursion: a crash in that tracer's callback still comes
 * here, one in the handling of the fault in that callback does not.
 */
static struct ftrace_ops machine_kexec_ops = {
	.func = machine_kexec_entry,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

/**
 * handoff_start - hook machine_kexec()
 *
 * Context: process, may sleep.
 * Return: 0 or a negative error, with the reason in the log.
 */
int handoff_start(void)
{
	const char *function = "machine_kexec";
	int ret = hook_function(&machine_kexec_ops, function);

	if (ret)
		pr_err("cannot hook %s(): error %d; is kernel.ftrace_enabled 0?\n",
		       function, ret);
	return ret;
}

/**
 * handoff_stop - unhook machine_kexec()
 *
 * Context: process, may sleep.
 */
void handoff_stop(void)
{
	unhook_function(&machine_kexec_ops);
}
